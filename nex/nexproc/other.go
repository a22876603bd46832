//go:build !linux

package nexproc

import (
	"context"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

// Backend runs apps as processes, on Linux.
type Backend struct{ config }

// New makes a backend that answers [ErrUnsupported] to everything.
func New(_ string, opts ...Option) *Backend {
	b := &Backend{config: defaults()}
	for _, o := range opts {
		o(&b.config)
	}
	return b
}

// Close does nothing.
func (b *Backend) Close() error { return nil }

// StopAll answers ErrUnsupported.
func (b *Backend) StopAll(context.Context, time.Duration) error { return ErrUnsupported }

// Ready answers ErrUnsupported.
func (b *Backend) Ready(context.Context) error { return ErrUnsupported }

// Ensure answers ErrUnsupported.
func (b *Backend) Ensure(context.Context, nex.Spec) (*nex.Instance, error) {
	return nil, ErrUnsupported
}

// Start answers ErrUnsupported.
func (b *Backend) Start(context.Context, string) (*nex.Instance, error) { return nil, ErrUnsupported }

// Stop answers ErrUnsupported.
func (b *Backend) Stop(context.Context, string, time.Duration) error { return ErrUnsupported }

// Remove answers ErrUnsupported.
func (b *Backend) Remove(context.Context, string) error { return ErrUnsupported }

// Get answers ErrUnsupported.
func (b *Backend) Get(context.Context, string) (*nex.Instance, error) { return nil, ErrUnsupported }

// List answers ErrUnsupported.
func (b *Backend) List(context.Context) ([]*nex.Instance, error) { return nil, ErrUnsupported }

// Watch answers ErrUnsupported.
func (b *Backend) Watch(context.Context, func(string)) error { return ErrUnsupported }

// Logs answers ErrUnsupported.
func (b *Backend) Logs(context.Context, string, int) ([]nex.LogLine, error) {
	return nil, ErrUnsupported
}

// WriteLog answers ErrUnsupported.
func (b *Backend) WriteLog(context.Context, string, nex.LogLine) error { return ErrUnsupported }
