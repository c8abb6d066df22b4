package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

func deviceCommand() *command {
	return &command{name: "device", args: "enroll|list|remove", short: "machines that an administrator vouches for (device.managed)", children: []*command{
		{name: "enroll", short: "enrol a device by its key's thumbprint", run: func(ctx context.Context, w world, args []string) error {
			return changeDevice(ctx, w, args, "enroll")
		}},
		{name: "list", short: "list the enrolled devices", run: listDevices},
		{name: "remove", short: "remove one", run: func(ctx context.Context, w world, args []string) error {
			return changeDevice(ctx, w, args, "remove")
		}},
	}}
}

func changeDevice(ctx context.Context, w world, args []string, what string) error {
	var key, label *string
	return atPolicy(ctx, w, args, "incamera admin device "+what+" --key THUMBPRINT [--label TEXT]", "A device's key is the one its client proves at each join (RFC 7638 thumbprint).",
		func(text, _ func(string, string, string) *string) {
			key, label = text("key", "", "RFC 7638 `thumbprint`"), text("label", "", "what people call the machine")
		},
		func(d policyDesk) error {
			if !token.ValidThumbprint(*key) {
				return errors.New("--key is not a thumbprint")
			}
			if err := d.record(ctx, "device."+what, *key, map[string]string{"label": *label}); err != nil {
				return err
			}
			if what == "remove" {
				return d.store.ManagedDevices.Remove(ctx, *key)
			}
			return d.store.ManagedDevices.Add(ctx, store.ManagedDevice{Thumbprint: *key, Label: *label, EnrolledBy: "machine:" + whoami(), EnrolledAt: time.Now()})
		})
}

func listDevices(ctx context.Context, w world, args []string) error {
	return atPolicy(ctx, w, args, "incamera admin device list", "Lists the latest 500 enrolled devices.",
		func(_, _ func(string, string, string) *string) {},
		func(d policyDesk) error {
			list, err := d.store.ManagedDevices.List(ctx, 500)
			for _, x := range list {
				fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\n", x.Thumbprint, x.EnrolledAt.Format(time.DateOnly), x.EnrolledBy, x.Label)
			}
			return err
		})
}
