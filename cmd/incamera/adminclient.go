package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/apiclient"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func clientCommand() *command {
	return &command{name: "client", args: "add|list|show|trust|rotate|drop-key|disable", short: "programs that vouch for their own people", children: []*command{
		{name: "add", short: "register an API client", run: addClient},
		{name: "list", short: "list API clients", run: listClients},
		{name: "show", short: "show one API client", run: showClient},
		{name: "trust", short: "let an API client's own pages into rooms with a watermark, or no longer", run: trustClient},
		{name: "rotate", short: "add a second key to an API client", run: rotateClient},
		{name: "drop-key", short: "take one of an API client's two keys away", run: dropClientKey},
		{name: "disable", short: "refuse an API client from now on", run: disableClient},
	}}
}

func addClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client add --name NAME (--key FILE | --new-key FILE) [--origin URL,…] [--scope rooms,tokens] [--rate N] [--trusted] [--config FILE]",
		"Registers an API client by its public key (a JWK, Ed25519 or P-256), or makes a key pair and writes the private\nkey to FILE (PKCS #8 PEM). Prints the client's id, the iss and sub of its assertions.")
	path := configFlag(f, w)
	name := f.String("name", "", "`name` people see in lists")
	key := f.String("key", "", "`file` with the public JWK")
	newKey := f.String("new-key", "", "`file` to write a new private key to; must not exist")
	origins := f.String("origin", "", "web `origins` its pages join from, separated by commas")
	scopes := f.String("scope", "", "what it may do, separated by commas: "+apiclient.ScopeRooms+", "+apiclient.ScopeTokens+"; empty: both")
	rate := f.Int("rate", 0, "requests a minute on each instance, 1 to 60000; 0: 600")
	trusted := f.Bool("trusted", false, "its own pages draw watermarks: they enter rooms that have one")
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	if (*key == "") == (*newKey == "") {
		f.Usage()
		return errUsage
	}
	jwk, err := clientKey(*key, *newKey)
	if err != nil {
		return err
	}
	client := apiclient.Client{Name: *name, Key: jwk, PerMinute: *rate, Trusted: *trusted}
	if *origins != "" {
		client.Origins = strings.Split(*origins, ",")
	}
	if *scopes != "" {
		client.Scopes = strings.Split(*scopes, ",")
	}
	err = onClients(ctx, w, *path, *dir, func(r apiclient.Registry, log record) error {
		return log.do(ctx, "client.add", client.Name, func() (err error) {
			if client, err = r.Register(ctx, client); err == nil {
				fmt.Fprintln(w.stdout, client.ID)
			}
			return err
		})
	})
	if err != nil && *newKey != "" { // a key that opens nothing would only be in the way of the next attempt
		err = errors.Join(err, os.Remove(*newKey))
	}
	return err
}

// onClients opens the registry and the record for one command.
func onClients(ctx context.Context, w world, path, dir string, do func(apiclient.Registry, record) error) error {
	return onAudit(ctx, w, path, dir, func(s *store.Store, log record) error { return do(apiclient.Registry{Store: s}, log) })
}

// clientKey gives the public JWK: read from a file, or of a new pair whose private half goes to another.
func clientKey(publicFile, privateFile string) (string, error) {
	if publicFile != "" {
		data, err := os.ReadFile(publicFile)
		return string(data), err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", err
	}
	out, err := os.OpenFile(privateFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	if err := errors.Join(pem.Encode(out, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), out.Close()); err != nil {
		return "", err
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: public})
	return string(jwk), err
}

func listClients(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client list [--config FILE]", "Lists API clients: id, state, origins, name.")
	path := configFlag(f, w)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := apiclient.Registry{Store: s}.List(ctx)
	if err != nil {
		return err
	}
	for _, one := range list {
		state := "active"
		if one.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\n", one.ID, state, strings.Join(one.Origins, ","), one.Name)
	}
	return nil
}

func showClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client show --id ID [--config FILE]", "Shows an API client: name, state, trust, rate, scopes, origins, and its keys by their thumbprints.")
	path := configFlag(f, w)
	id := f.String("id", "", "the client's `id`")
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	one, err := (apiclient.Registry{Store: s}).Client(ctx, *id)
	if err != nil {
		return fmt.Errorf("client %s: %w", *id, err)
	}
	fmt.Fprintf(w.stdout, "name\t%s\ndisabled\t%v\ntrusted\t%v\nrate\t%d\nscopes\t%s\norigins\t%s\n", one.Name, one.Disabled, one.Trusted, one.Rate(),
		strings.Join(one.Scopes, ","), strings.Join(one.Origins, ","))
	for _, jwk := range []string{one.Key, one.NextKey} {
		if jwk == "" {
			continue
		}
		name, err := apiclient.Thumbprint(jwk)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "key\t%s\n", name)
	}
	return nil
}

func rotateClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client rotate --id ID (--key FILE | --new-key FILE) [--config FILE]",
		"Gives an API client a second key; both are good until `client drop-key` takes the old one away. Prints the\nthumbprint of the new one.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	id := f.String("id", "", "the client's `id`")
	key := f.String("key", "", "`file` with the public JWK")
	newKey := f.String("new-key", "", "`file` to write a new private key to; must not exist")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" || (*key == "") == (*newKey == "") {
		f.Usage()
		return errUsage
	}
	jwk, err := clientKey(*key, *newKey)
	if err != nil {
		return err
	}
	return onClients(ctx, w, *path, *dir, func(r apiclient.Registry, log record) error {
		if err := log.do(ctx, "client.rotate", *id, func() error { return r.AddKey(ctx, *id, jwk) }); err != nil {
			return fmt.Errorf("client %s: %w", *id, err)
		}
		name, err := apiclient.Thumbprint(jwk)
		fmt.Fprintln(w.stdout, name)
		return err
	})
}

func dropClientKey(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client drop-key --id ID --key THUMBPRINT [--config FILE]", "Refuses one of a client's two keys from now on.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	id := f.String("id", "", "the client's `id`")
	key := f.String("key", "", "`thumbprint` of the key, as `client show` says")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" || *key == "" {
		f.Usage()
		return errUsage
	}
	return onClients(ctx, w, *path, *dir, func(r apiclient.Registry, log record) error {
		if err := log.do(ctx, "client.drop_key", *id, func() error { return r.DropKey(ctx, *id, *key) }); err != nil {
			return fmt.Errorf("client %s: %w", *id, err)
		}
		return nil
	})
}

func trustClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client trust --id ID [--off] [--config FILE]",
		"Marks an API client as trusted: its own pages enter rooms with a watermark, and whoever runs them answers for its\nbeing drawn. With --off no longer: who sits on its pages is taken out of such rooms within seconds.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	id := f.String("id", "", "the client's `id`")
	off := f.Bool("off", false, "take the mark away")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" {
		f.Usage()
		return errUsage
	}
	return onClients(ctx, w, *path, *dir, func(r apiclient.Registry, log record) error {
		verb := "client.trust"
		if *off {
			verb = "client.distrust"
		}
		if err := log.do(ctx, verb, *id, func() error { return r.Trust(ctx, *id, !*off) }); err != nil {
			return fmt.Errorf("client %s: %w", *id, err)
		}
		return nil
	})
}

func disableClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client disable --id ID [--config FILE]", "Refuses an API client and its pages from now on.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	id := f.String("id", "", "the client's `id`")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" {
		f.Usage()
		return errUsage
	}
	return onClients(ctx, w, *path, *dir, func(r apiclient.Registry, log record) error {
		if err := log.do(ctx, "client.disable", *id, func() error { return r.Disable(ctx, *id) }); err != nil {
			return fmt.Errorf("client %s: %w", *id, err)
		}
		return nil
	})
}
