package hub

import (
	"context"
	"time"
)

// liveTimeout is how long a provisioner may take to say how an app is before what was last known is shown.
const liveTimeout = time.Second

// live shows hosted apps as they are: since its order was carried out, one may have crashed, or been stopped. A provisioner that is away or
// slow changes nothing, and nothing is stored.
func (e *Engine) live(ctx context.Context, instances ...*AppInstance) {
	if e.provisioner == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	for _, i := range instances {
		if i.App.Stack == Cube && i.Status == Running && ctx.Err() == nil {
			if d, err := e.provisioner.Status(ctx, i.ID); err == nil {
				i.observe(d)
			}
		}
	}
}

// observe takes over what a provisioner says of an app that should be running.
func (i *AppInstance) observe(d *Deployment) {
	if d.Status == Running || d.Status == Terminated {
		return
	}
	i.Status, i.Errors, i.Durations = d.Status, d.Errors, d.Durations
	switch d.Status {
	case Stopping, Stopped, Terminating:
		i.Step = "Stopped"
	default:
		i.Step = "Starting again"
	}
}
