// Package store holds what lasts, in SQL: people, factors, web sessions, API clients, rooms, meetings, bans, the
// audit record and settings. SQLite and PostgreSQL share one set of migrations and queries, written in the common
// subset: TEXT, BIGINT and INTEGER columns; times are Unix milliseconds (0 = never); bytes are base64url text.
//
// Errors are ErrNotFound, ErrConflict or the driver's own. The store decides nothing and knows no secret in clear.
package store
