// Package storetest opens real databases for tests: SQLite files and a private PostgreSQL server.
package storetest
