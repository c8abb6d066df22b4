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
	"incamera/cmd/incamera/config"
)

func clientCommand() *command {
	return &command{name: "client", args: "add|list|disable", short: "programs that vouch for their own people", children: []*command{
		{name: "add", short: "register an API client", run: addClient},
		{name: "list", short: "list API clients", run: listClients},
		{name: "disable", short: "refuse an API client from now on", run: disableClient},
	}}
}

func addClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client add --name NAME (--key FILE | --new-key FILE) [--origin URL,…] [--config FILE]",
		"Registers an API client by its public key (a JWK, Ed25519 or P-256), or makes a key pair and writes the private\nkey to FILE (PKCS #8 PEM). Prints the client's id, the iss and sub of its assertions.")
	path := configFlag(f, w)
	name := f.String("name", "", "`name` people see in lists")
	key := f.String("key", "", "`file` with the public JWK")
	newKey := f.String("new-key", "", "`file` to write a new private key to; must not exist")
	origins := f.String("origin", "", "web `origins` its pages join from, separated by commas")
	if err := parse(f, args); err != nil {
		return err
	}
	if (*key == "") == (*newKey == "") {
		f.Usage()
		return errUsage
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	jwk, err := clientKey(*key, *newKey)
	if err != nil {
		return err
	}
	client := apiclient.Client{Name: *name, Key: jwk}
	if *origins != "" {
		client.Origins = strings.Split(*origins, ",")
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	if client, err = (apiclient.Registry{Store: s}).Register(ctx, client); err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, client.ID)
	return nil
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

func disableClient(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin client disable --id ID [--config FILE]", "Refuses an API client and its pages from now on.")
	path := configFlag(f, w)
	id := f.String("id", "", "the client's `id`")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" {
		f.Usage()
		return errUsage
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
	if err := (apiclient.Registry{Store: s}).Disable(ctx, *id); err != nil {
		return fmt.Errorf("client %s: %w", *id, err)
	}
	return nil
}
