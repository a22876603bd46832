package idmsql

import (
	"cmp"
	"context"
	"slices"

	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/ent/idmdb/user"
	"github.com/ensemble-platform/ensemble/idm"
)

// chunk is how many parameters one statement gets at most.
const chunk = 500

func fromDBUser(u *idmdb.User) *idm.User {
	return &idm.User{
		ID: u.UID, Number: u.ID, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator, Disabled: u.Disabled,
		CreatedAt: instant(u.CreatedAt), UpdatedAt: instant(u.UpdatedAt),
	}
}

// CreateUser is documented at idm.Store, as are all methods.
func (s *Store) CreateUser(ctx context.Context, u *idm.User, passwordHash string) error {
	row, err := s.client.User.Create().
		SetUID(u.ID).SetEmail(u.Email).SetEmailKey(idm.EmailKey(u.Email)).SetName(u.Name).SetSurname(u.Surname).
		SetOperator(u.Operator).SetDisabled(u.Disabled).SetPasswordHash(passwordHash).
		SetCreatedAt(micros(u.CreatedAt)).SetUpdatedAt(micros(u.UpdatedAt)).
		Save(ctx)
	if err != nil {
		return s.wrap("create user", err)
	}
	u.Number = row.ID
	return nil
}

// GetUser returns a user.
func (s *Store) GetUser(ctx context.Context, id string) (*idm.User, error) {
	row, err := s.client.User.Query().Where(user.UID(id)).Only(ctx)
	if err != nil {
		return nil, s.wrap("get user", err)
	}
	return fromDBUser(row), nil
}

// FindUser finds by address.
func (s *Store) FindUser(ctx context.Context, email string) (*idm.User, string, error) {
	row, err := s.client.User.Query().Where(user.EmailKey(idm.EmailKey(email))).Only(ctx)
	if err != nil {
		return nil, "", s.wrap("find user", err)
	}
	return fromDBUser(row), row.PasswordHash, nil
}

// ListUsers returns users by Number.
func (s *Store) ListUsers(ctx context.Context, ids []string) ([]*idm.User, error) {
	if ids == nil {
		rows, err := s.client.User.Query().Order(user.ByID()).All(ctx)
		if err != nil {
			return nil, s.wrap("list users", err)
		}
		return convert(rows, fromDBUser), nil
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out []*idm.User
	for some := range slices.Chunk(slices.Compact(ids), chunk) {
		rows, err := s.client.User.Query().Where(user.UIDIn(some...)).All(ctx)
		if err != nil {
			return nil, s.wrap("list users", err)
		}
		out = append(out, convert(rows, fromDBUser)...)
	}
	slices.SortFunc(out, func(a, b *idm.User) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

func convert[From, To any](rows []*From, one func(*From) *To) []*To {
	out := make([]*To, len(rows))
	for i, r := range rows {
		out[i] = one(r)
	}
	return out
}

// UpdateUser changes a user.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*idm.User) error) (*idm.User, error) {
	var changed *idm.User
	var refused error
	err := s.tx(ctx, "update user", func(tx *idmdb.Tx) error {
		q := tx.User.Query().Where(user.UID(id))
		if s.locks() {
			q = q.ForUpdate()
		}
		row, err := q.Only(ctx)
		if err != nil {
			return err
		}
		u := fromDBUser(row)
		if refused = change(u); refused != nil {
			return refused
		}
		row, err = tx.User.UpdateOneID(row.ID).
			SetEmail(u.Email).SetEmailKey(idm.EmailKey(u.Email)).SetName(u.Name).SetSurname(u.Surname).
			SetOperator(u.Operator).SetDisabled(u.Disabled).SetUpdatedAt(micros(u.UpdatedAt)).
			Save(ctx)
		if err != nil {
			return err
		}
		changed = fromDBUser(row)
		if changed.Disabled {
			return deleteSessions(ctx, tx, id)
		}
		return nil
	})
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// SetPasswordHash replaces a password hash and deletes the user's sessions.
func (s *Store) SetPasswordHash(ctx context.Context, userID, hash string) error {
	return s.tx(ctx, "set password", func(tx *idmdb.Tx) error {
		n, err := tx.User.Update().Where(user.UID(userID)).SetPasswordHash(hash).Save(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return idm.ErrNotFound
		}
		return deleteSessions(ctx, tx, userID)
	})
}

// UpgradePasswordHash replaces a hash if it is still from.
func (s *Store) UpgradePasswordHash(ctx context.Context, userID, from, to string) error {
	_, err := s.client.User.Update().Where(user.UID(userID), user.PasswordHash(from)).SetPasswordHash(to).Save(ctx)
	return s.wrap("upgrade password hash", err)
}
