package connec

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a webhook, as Standard Webhooks has them.
const (
	WebhookIDHeader        = "Webhook-Id"
	WebhookTimestampHeader = "Webhook-Timestamp"
	WebhookSignatureHeader = "Webhook-Signature"
)

// ErrWebhook says that a webhook was not sent by who it should be, or too long ago.
var ErrWebhook = errors.New("webhook not authentic")

const webhookTolerance = 5 * time.Minute

// NewWebhookSecret makes a secret to sign webhooks with: "whsec_" and 32 random bytes in base64.
func NewWebhookSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// SignWebhook puts the headers of Standard Webhooks on header: the id, the time of this attempt, and the signature of both and the body.
func SignWebhook(secret string, header http.Header, id string, at time.Time, body []byte) error {
	key, err := secretKey(secret)
	if err != nil {
		return fmt.Errorf("webhook secret: %w", err)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header.Set(WebhookIDHeader, id)
	header.Set(WebhookTimestampHeader, timestamp)
	header.Set(WebhookSignatureHeader, "v1,"+base64.StdEncoding.EncodeToString(signature(key, id, timestamp, body)))
	return nil
}

func signature(key []byte, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// VerifyWebhook checks that a received webhook was signed with one of secrets (several, while they are being changed) within the last five
// minutes. body is exactly what was received. The error matches [ErrWebhook]. A receiver should also drop ids that it has seen.
func VerifyWebhook(secrets []string, header http.Header, body []byte) error {
	return verifyWebhook(secrets, header, body, time.Now())
}

func verifyWebhook(secrets []string, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get(WebhookIDHeader), header.Get(WebhookTimestampHeader)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: headers missing or malformed", ErrWebhook)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > webhookTolerance || age < -webhookTolerance {
		return fmt.Errorf("%w: sent at %s", ErrWebhook, time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	for _, secret := range secrets {
		key, err := secretKey(secret)
		if err != nil || len(key) == 0 {
			continue
		}
		want := signature(key, id, timestamp, body)
		for part := range strings.FieldsSeq(header.Get(WebhookSignatureHeader)) {
			version, text, _ := strings.Cut(part, ",")
			got, err := base64.StdEncoding.DecodeString(text)
			if version == "v1" && err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no signature matches", ErrWebhook)
}
