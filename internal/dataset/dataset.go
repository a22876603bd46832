// Package dataset finds the folder of real business data that some tests import. The data isn't part of this project.
package dataset

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of a dataset, or skips the test. The folder that holds the datasets is named by ENSEMBLE_DATA, or is
// shared/data beside the project.
func Dir(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("ENSEMBLE_DATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			if filepath.Dir(dir) == dir {
				t.Fatal("no go.mod above the working folder")
			}
			dir = filepath.Dir(dir)
		}
		root = filepath.Join(dir, "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the dataset %s is not here (looked in %s; set ENSEMBLE_DATA to where it is)", name, root)
	}
	return dir
}

// Answer is one result that an import followed by the right report must give.
type Answer struct {
	About   string
	Columns []string
	Rows    [][]any // texts, and numbers as json.Number
}

// Answers reads a dataset's answers.json.
func Answers(t testing.TB, dir string) map[string]Answer {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "answers.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var doc struct {
		Answers map[string]Answer `json:"answers"`
	}
	dec := json.NewDecoder(f)
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Answers
}
