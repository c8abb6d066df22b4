package main

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"incamera/cmd/incamera/config"
)

// welcome prints the address to open and, as long as there is no account, the one-time link that makes the first.
func (s *signalingPart) welcome(ctx context.Context, w world, c config.Config) error {
	setup, err := s.people.accounts.PrepareSetup(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "\nInCamera %s is ready: %s\n", version, c.HTTP.PublicURL)
	if setup != "" {
		fmt.Fprintf(w.stdout, "\nThere is no account yet. Make the first one here; the link works once:\n\n    %s/setup#%s\n", c.HTTP.PublicURL, setup)
	}
	if s.public.caFile != "" {
		fmt.Fprintf(w.stdout, "\nThe certificate is from this machine's own authority. Have each device trust it once:\n\n    %s\n\n"+
			"docs/operations.md says how. Its fingerprint is what you compare on the device.\n", s.public.caFile)
	}
	if note := mediaNote(c.HTTP); note != "" {
		fmt.Fprintf(w.stdout, "\n%s\n", note)
	}
	fmt.Fprintln(w.stdout)
	return nil
}

// mediaNote says in words when browsers will refuse camera or passkeys at this address.
func mediaNote(c config.HTTP) string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	switch {
	case u.Scheme == "http" && host != "localhost" && !net.ParseIP(host).IsLoopback():
		return "Browsers give no camera or microphone to a plain http address of another machine. Start with --tls --host NAME."
	case u.Scheme == "https" && net.ParseIP(host) != nil:
		return "Passkeys need a host name, not an address; everything else works."
	}
	return ""
}
