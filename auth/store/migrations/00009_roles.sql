-- +goose Up
-- Of the administrators so far the first keeps all powers, where the deployment has a single one; the others are
-- administrators of the system.
UPDATE users SET role = 'sole_admin' WHERE id = (SELECT id FROM users WHERE role = 'admin' ORDER BY created_at, id LIMIT 1);
UPDATE users SET role = 'system_admin' WHERE role = 'admin';
ALTER TABLE rooms ADD COLUMN listeners INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE rooms DROP COLUMN listeners;
UPDATE users SET role = 'admin' WHERE role IN ('sole_admin', 'system_admin');
UPDATE users SET role = 'user' WHERE role NOT IN ('admin', 'user');
