// Package hub orchestrates the platform: users and organizations, the marketplace, and what must happen when a customer adds
// an app.
package hub
