package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options of a Store: exactly one of SQLite and Postgres.
type Options struct {
	SQLite   string // path of the database file; its folder is created 0700, the file is 0600
	Postgres string // URL or key=value connection string
	MaxConns int    // PostgreSQL connections; 8 when 0
}

// Validate says what is wrong.
func (o Options) Validate() error {
	if (o.SQLite == "") == (o.Postgres == "") {
		return errors.New("store: exactly one of SQLite and Postgres is required")
	}
	if o.MaxConns < 0 {
		return errors.New("store: MaxConns is negative")
	}
	return nil
}

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Store is the open database. It is safe for concurrent use; inside Tx, use the Store that Tx gives.
type Store struct {
	db       *sql.DB // nil inside a transaction
	Users    Users
	Invites  Invites
	Factors  Factors
	Recovery Recovery
	Logins   Logins
	Clients  Clients
	Rooms    Rooms
	Members  Members
	Meetings Meetings
	Bans     Bans
	Audit    Audit
	Settings Settings

	StreamKeys StreamKeys
	Passkeys   Passkeys
	Ceremonies Ceremonies
	Approvals  Approvals

	Identities   Identities
	SignInStates SignInStates
	LogoutTokens LogoutTokens

	Sealed    Sealed
	TokenKeys TokenKeys

	Policies       Policies
	Past           Past
	ManagedDevices ManagedDevices

	Guests Guests
	Resets Resets
}

func with(db *sql.DB, q querier) *Store {
	return &Store{
		Policies: Policies{q}, Past: Past{q}, ManagedDevices: ManagedDevices{q},
		Guests: Guests{q}, Resets: Resets{q},
		db: db, Users: Users{q}, Invites: Invites{q}, Factors: Factors{q}, Recovery: Recovery{q}, Logins: Logins{q},
		Clients: Clients{q}, Rooms: Rooms{q}, Members: Members{q}, Meetings: Meetings{q}, Bans: Bans{q}, Audit: Audit{q},
		Settings: Settings{q}, StreamKeys: StreamKeys{q}, Passkeys: Passkeys{q}, Ceremonies: Ceremonies{q}, Approvals: Approvals{q},
		Identities: Identities{q}, SignInStates: SignInStates{q}, LogoutTokens: LogoutTokens{q}, Sealed: Sealed{q}, TokenKeys: TokenKeys{q},
	}
}

// Open connects and brings the schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	db, dialect, opts, err := connect(o)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, dialect, opts); err != nil {
		db.Close()
		return nil, err
	}
	return with(db, db), nil
}

func connect(o Options) (*sql.DB, goose.Dialect, []goose.ProviderOption, error) {
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if o.Postgres != "" {
		db, err := sql.Open("pgx", o.Postgres)
		if err != nil {
			return nil, "", nil, errors.New("store: the PostgreSQL connection string is not valid") // it may hold a password
		}
		n := o.MaxConns
		if n == 0 {
			n = 8
		}
		db.SetMaxOpenConns(n)
		db.SetMaxIdleConns(n)
		db.SetConnMaxIdleTime(5 * time.Minute)
		// two instances starting together migrate one after the other
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			db.Close()
			return nil, "", nil, err
		}
		return db, goose.DialectPostgres, append(opts, goose.WithSessionLocker(locker)), nil
	}
	if err := os.MkdirAll(filepath.Dir(o.SQLite), 0o700); err != nil {
		return nil, "", nil, fmt.Errorf("store: %w", err)
	}
	f, err := os.OpenFile(o.SQLite, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", nil, fmt.Errorf("store: %w", err)
	}
	f.Close()
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "busy_timeout(5000)", "foreign_keys(1)", "synchronous(NORMAL)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: o.SQLite}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, "", nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(4) // readers beside one writer; writers wait in busy_timeout
	return db, goose.DialectSQLite3, opts, nil
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, opts []goose.ProviderOption) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, dir, opts...)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	return nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Tx runs f in one transaction; an error rolls everything back. Inside a transaction it joins it.
func (s *Store) Tx(ctx context.Context, f func(*Store) error) error {
	if s.db == nil {
		return f(s)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after Commit
	if err := f(with(nil, tx)); err != nil {
		return err
	}
	return tx.Commit()
}
