package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"incamera/auth/issue"
	"incamera/auth/store"
)

func roomsCommand() *command {
	return &command{name: "room", args: "list|show|end|delete", short: "rooms, and the meetings in them", children: []*command{
		{name: "list", short: "list rooms: id, class, owner, title", run: listRooms},
		{name: "show", short: "show one room with its standing roles, bans and latest meetings", run: showRoom},
		{name: "end", short: "end the meeting in a room for all", run: func(ctx context.Context, w world, args []string) error {
			return overRoom(ctx, w, args, "end", "room.end", "Ends the meeting in a room for all, within seconds. The room stays; its hosts can begin another.", store.Rooms.End)
		}},
		{name: "delete", short: "delete a room; a meeting in it ends", run: func(ctx context.Context, w world, args []string) error {
			return overRoom(ctx, w, args, "delete", "room.delete", "Deletes a room. A meeting in it ends within seconds, and its link opens nothing any more.", store.Rooms.Delete)
		}},
	}}
}

// ownerOf is how people call the owner of a room: a login, or an API client's id.
func ownerOf(ctx context.Context, s *store.Store, subject string) string {
	id, ok := strings.CutPrefix(subject, issue.UserSubject(""))
	if !ok {
		return subject
	}
	if u, err := s.Users.Get(ctx, id); err == nil {
		return u.Login
	}
	return subject
}

func listRooms(ctx context.Context, w world, args []string) error {
	var login *string
	return onStore(ctx, w, "incamera admin room list [--login OWNER] [--config FILE]", "Lists rooms: id, class, owner, since, title.", args,
		func(text func(string, string, string) *string) {
			login = text("login", "", "only rooms of this `account`")
		}, func(s *store.Store) error {
			owner := ""
			if *login != "" {
				u, err := called(ctx, s, *login)
				if err != nil {
					return err
				}
				owner = issue.UserSubject(u.ID)
			}
			for after := ""; ; {
				list, err := s.Rooms.All(ctx, after, page)
				if err != nil || len(list) == 0 {
					return err
				}
				for _, r := range list {
					if owner == "" || r.Owner == owner {
						fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Class, ownerOf(ctx, s, r.Owner), r.CreatedAt.Format(time.DateOnly), r.Title)
					}
				}
				after = list[len(list)-1].ID
			}
		})
}

// roomFlag is the one flag of commands on one room.
func roomFlag(into **string) func(func(name, def, about string) *string) {
	return func(text func(string, string, string) *string) {
		*into = text("id", "", "the room's `id`, as in its link")
	}
}

func showRoom(ctx context.Context, w world, args []string) error {
	var id *string
	return onStore(ctx, w, "incamera admin room show --id ID [--config FILE]", "Shows a room: its facts, standing roles, bans, and its 10 latest meetings.", args, roomFlag(&id), func(s *store.Store) error {
		r, err := s.Rooms.Get(ctx, *id)
		if err != nil {
			return fmt.Errorf("room %s: %w", *id, err)
		}
		fmt.Fprintf(w.stdout, "title\t%s\nclass\t%s\nowner\t%s\nguests\t%v\ne2ee\t%v\n", r.Title, r.Class, ownerOf(ctx, s, r.Owner), r.Guests, r.E2EE)
		members, err := s.Members.List(ctx, r.ID)
		if err != nil {
			return err
		}
		for _, m := range members {
			fmt.Fprintf(w.stdout, "member\t%s\t%s\n", ownerOf(ctx, s, m.Subject), m.Role)
		}
		bans, err := s.Bans.List(ctx, r.ID)
		if err != nil {
			return err
		}
		for _, b := range bans {
			fmt.Fprintf(w.stdout, "ban\t%s\t%s\n", ownerOf(ctx, s, b.Subject), b.CreatedAt.Format(time.RFC3339))
		}
		meetings, err := s.Meetings.Of(ctx, r.ID, 10)
		for _, m := range meetings {
			fmt.Fprintf(w.stdout, "meeting\t%s\t%s\t%d people at most\n", m.ID, m.StartedAt.Format(time.RFC3339), m.Peak)
		}
		return err
	})
}

// overRoom puts it on record and in the database, where the instances look every 2 s.
func overRoom(ctx context.Context, w world, args []string, name, verb, about string, do func(store.Rooms, context.Context, string, time.Time) error) error {
	var id *string
	return onUsers(ctx, w, "incamera admin room "+name+" --id ID [--identity DIR] [--config FILE]", about, args, roomFlag(&id), func(d userDesk) error {
		r, err := d.store.Rooms.Get(ctx, *id)
		if err != nil {
			return fmt.Errorf("room %s: %w", *id, err)
		}
		if err := d.do(ctx, verb, r.ID, func() error { return do(d.store.Rooms, ctx, r.ID, time.Now()) }); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s: %s\n", r.ID, map[string]string{"end": "its meeting ends", "delete": "deleted"}[name])
		return nil
	})
}
