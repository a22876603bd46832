// Package connec shares business data between apps: one model, validated; one write path, audited; and every change
// delivered to the other apps of the organization.
package connec
