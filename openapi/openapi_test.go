package openapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/apitest"
	"github.com/ensemble-platform/ensemble/openapi"
)

// Every description is there, valid, and says of each operation what it is called.
func TestDescriptions(t *testing.T) {
	names := openapi.Names()
	require.Contains(t, names, "common")
	require.Contains(t, names, "connec")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			doc := apitest.Load(t, name)
			require.Equal(t, "3.1.0", doc.OpenAPI)
			for path, item := range doc.Paths.Map() {
				for method, op := range item.Operations() {
					require.NotEmpty(t, op.OperationID, "%s %s", method, path)
					require.NotEmpty(t, op.Summary, "%s %s", method, path)
				}
			}
		})
	}
	_, err := openapi.Spec("nothing")
	require.ErrorContains(t, err, "nothing")
	_, err = openapi.Spec("../go")
	require.Error(t, err)
}
