-- +goose Up
-- Somebody signed in may go to a provider to link the account there to their own.
ALTER TABLE sign_in_states ADD COLUMN links INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE sign_in_states DROP COLUMN links;
