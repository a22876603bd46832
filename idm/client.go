package idm

import "context"

// PutClient creates or replaces a client. A key that is given has 16 to 512 characters, which should be random. Changing the
// key ends the client's access tokens.
func (e *Engine) PutClient(ctx context.Context, c Client, key string) (string, error) {
	if err := checkClient(&c); err != nil {
		return "", err
	}
	keep := key == ""
	if keep {
		key = newSecret(clientKey)
	} else if err := checkKey(key); err != nil {
		return "", err
	}
	c.CreatedAt = e.stamp()
	defer func() {
		e.clients.drop(c.ID)
		e.dropSessions(c.ID)
	}()
	created, err := e.store.PutClient(ctx, c, hashKey(key), keep)
	if err != nil || keep && !created {
		return "", err
	}
	return key, nil
}

// GetClient returns a client.
func (e *Engine) GetClient(ctx context.Context, id string) (*Client, error) {
	c, _, err := e.store.GetClient(ctx, id)
	return c, err
}

// DeleteClient deletes a client with its access tokens and, as DeleteGroup does, its groups.
func (e *Engine) DeleteClient(ctx context.Context, id string) error {
	defer func() {
		e.clients.drop(id)
		e.dropSessions(id)
		e.groups.dropFunc(func(_ string, g *Group) bool { return g.ClientID == id })
		e.placed.dropFunc(func(k placeKey, _ []*Group) bool { return k.client == id })
	}()
	return e.store.DeleteClient(ctx, id)
}
