package main

import (
	"context"
	"fmt"
	"time"

	"incamera/auth/pki"
	"incamera/cmd/incamera/config"
)

func adminCommand() *command {
	return &command{
		name: "admin", args: "node|user|session|room|client|account|role|policy|device|factors|keys|token-keys|audit", short: "enrol processes and API clients; accounts, sessions, rooms and roles; new passwords; reset second factors; change keys; read the audit log",
		children: []*command{
			{name: "node", args: "enroll", short: "processes of this deployment", children: []*command{
				{name: "enroll", short: "issue a key and certificate for a node or a signaling instance", run: enroll},
			}},
			usersCommand(), sessionsCommand(), roomsCommand(), clientCommand(), accountCommand(), rolesCommand(), policyCommand(), deviceCommand(), factorsCommand(), keysCommand(), tokenKeysCommand(), auditCommand(),
		},
	}
}

func enroll(_ context.Context, w world, args []string) error {
	f := flags(w, "incamera admin node enroll --id ID --out DIR [--role node|signaling] [--config FILE]",
		"Makes an identity for one process, signed by the CA in the data directory (made on first use), and writes it to\nDIR. Move DIR to the process's machine over a channel you trust; it holds a private key.")
	path := configFlag(f, w)
	id := f.String("id", "", "unique `name` of the process in this deployment")
	out := f.String("out", "", "`directory` to write the identity to")
	role := f.String("role", string(pki.RoleNode), "`role`: node or signaling")
	if err := parse(f, args); err != nil {
		return err
	}
	if *id == "" || *out == "" {
		f.Usage()
		return errUsage
	}
	if *role != string(pki.RoleNode) && *role != string(pki.RoleSignaling) {
		return fmt.Errorf("role %q is neither node nor signaling", *role)
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	ca, err := loadCA(c)
	if err != nil {
		return err
	}
	identity, err := ca.Issue(*id, pki.Role(*role), time.Now(), identityLife)
	if err != nil {
		return err
	}
	if err := identity.Save(*out); err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "%s %s of deployment %s, good until %s, in %s\n", *role, *id, c.Name, identity.NotAfter().Format(time.DateOnly), *out)
	return nil
}
