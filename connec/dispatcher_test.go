package connec_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

func TestDispatcher(t *testing.T) {
	connectest.TestDispatcher(t, func(*testing.T) connec.Store { return connecmem.New() })
}

// TestSignature checks our signatures with the reference implementation, and its with ours.
func TestSignature(t *testing.T) {
	secret := connec.NewWebhookSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	require.Len(t, key, 32)
	reference, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	body := []byte(`{"items":[{"name":"é"}]}`)

	header := http.Header{}
	require.NoError(t, connec.SignWebhook(secret, header, "msg_1", time.Now(), body))
	require.NoError(t, reference.Verify(body, header))

	now := time.Now()
	theirs, err := reference.Sign("msg_2", now, body)
	require.NoError(t, err)
	ours := http.Header{}
	require.NoError(t, connec.SignWebhook(secret, ours, "msg_2", now, body))
	require.Equal(t, theirs, ours.Get("webhook-signature"))
	ours.Set("webhook-signature", "v1a,xxxx v1,AAAA "+theirs)
	require.NoError(t, connec.VerifyWebhook([]string{"whsec_!!", connec.NewWebhookSecret(), secret}, ours, body), "one of several signatures and secrets is enough")

	for name, spoil := range map[string]func(http.Header){
		"id":      func(h http.Header) { h.Set("webhook-id", "msg_3") },
		"no id":   func(h http.Header) { h.Del("webhook-id") },
		"old":     func(h http.Header) { _ = connec.SignWebhook(secret, h, "msg_2", now.Add(-6*time.Minute), body) },
		"future":  func(h http.Header) { _ = connec.SignWebhook(secret, h, "msg_2", now.Add(6*time.Minute), body) },
		"time":    func(h http.Header) { h.Set("webhook-timestamp", "soon") },
		"version": func(h http.Header) { h.Set("webhook-signature", strings.Replace(theirs, "v1,", "v0,", 1)) },
		"signature": func(h http.Header) {
			h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		},
		"none": func(h http.Header) { h.Del("webhook-signature") },
	} {
		h := ours.Clone()
		spoil(h)
		require.ErrorIs(t, connec.VerifyWebhook([]string{secret}, h, body), connec.ErrWebhook, name)
	}
	require.ErrorIs(t, connec.VerifyWebhook(nil, ours, body), connec.ErrWebhook)
	require.ErrorIs(t, connec.VerifyWebhook([]string{"whsec_"}, ours, body), connec.ErrWebhook)
}
