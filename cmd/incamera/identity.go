package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"incamera/auth/pki"
	"incamera/cmd/incamera/config"
)

// identityLife is how long a process certificate is good. serve renews its own at a start in the last third; enrolled
// processes are enrolled anew.
const identityLife = 90 * 24 * time.Hour

// loadCA opens the deployment's CA in the data directory, made on first use.
func loadCA(c config.Config) (*pki.CA, error) {
	dir := filepath.Join(c.DataDir, "ca")
	ca, err := pki.LoadCA(dir)
	if errors.Is(err, os.ErrNotExist) {
		return pki.CreateCA(dir, c.Name)
	}
	if err == nil && ca.Deployment() != c.Name {
		return nil, fmt.Errorf("the data directory belongs to deployment %q, the configuration names %q", ca.Deployment(), c.Name)
	}
	return ca, err
}

// ownIdentity is an identity that serve gives itself, without anyone's help.
func ownIdentity(ca *pki.CA, dir, id string, role pki.Role, now time.Time) (*pki.Identity, error) {
	identity, err := pki.LoadIdentity(dir)
	if err == nil && identity.ID() == id && identity.Role() == role && identity.NotAfter().Sub(now) > identityLife/3 {
		return identity, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if identity, err = ca.Issue(id, role, now, identityLife); err != nil {
		return nil, err
	}
	return identity, identity.Save(dir)
}

// ownSignaling is the identity of serve's signaling half, which also signs the record.
func ownSignaling(ca *pki.CA, c config.Config, now time.Time) (*pki.Identity, error) {
	return ownIdentity(ca, filepath.Join(c.DataDir, "identity", "signaling"), c.Process.ID+"-signaling", pki.RoleSignaling, now)
}

// enrolledIdentity is an identity that `incamera admin node enroll` made.
func enrolledIdentity(c config.Config, role pki.Role, now time.Time) (*pki.Identity, error) {
	dir := c.Process.IdentityDir
	if dir == "" {
		dir = filepath.Join(c.DataDir, "identity")
	}
	identity, err := pki.LoadIdentity(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("no identity in %s: make one with `incamera admin node enroll --role %s --id %s --out DIR` where the CA is, and bring it here", dir, role, c.Process.ID)
	case err != nil:
		return nil, err
	case identity.Role() != role:
		return nil, fmt.Errorf("the identity in %s is enrolled as %s, not as %s", dir, identity.Role(), role)
	case identity.Deployment() != c.Name:
		return nil, fmt.Errorf("the identity in %s belongs to deployment %q, the configuration names %q", dir, identity.Deployment(), c.Name)
	case !now.Before(identity.NotAfter()):
		return nil, fmt.Errorf("the identity in %s ended on %s: enroll again", dir, identity.NotAfter().Format(time.DateOnly))
	}
	return identity, nil
}
