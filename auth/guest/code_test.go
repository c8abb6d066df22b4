package guest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/guest"
	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

func byMail(r *guest.Request) { r.Mode, r.Mail = guest.Mail, "kim@example.org" }

func (c *clocked) code(t *testing.T, l guest.Link) string {
	t.Helper()
	code, err := c.NewCode(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Fatalf("%q is not six digits", code)
	}
	return code
}

// wrong is a code that is not this one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func (c *clocked) take(l guest.Link, code string) error {
	return c.TakeCode(context.Background(), l, code)
}

func (c *clocked) spoilt(t *testing.T, why string, l guest.Link, code string) {
	t.Helper()
	if err := c.take(l, code); !errors.Is(err, guest.ErrCode) {
		t.Errorf("%s: %v", why, err)
	}
}

func TestACodeIsGoodOnceAndForTenMinutes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := open(t, s)
		l, _ := c.issue(t, byMail)
		c.spoilt(t, "before there was one", l, "123456")
		c.spoilt(t, "nothing, before there was one", l, "")
		code := c.code(t, l)
		for why, bad := range map[string]string{"none": "", "half": code[:3], "with a blank": " " + code, "wrong": wrong(code)} {
			c.spoilt(t, why, l, bad)
		}
		if err := c.take(l, code); err != nil {
			t.Fatal("the control:", err)
		}
		c.spoilt(t, "a second time", l, code)

		c.now = c.now.Add(guest.CodePause)
		code = c.code(t, l)
		c.now = c.now.Add(guest.CodeLife - time.Millisecond)
		if err := c.take(l, code); err != nil {
			t.Error("a moment before its end:", err)
		}
		code = c.code(t, l)
		c.now = c.now.Add(guest.CodeLife)
		c.spoilt(t, "at its end", l, code)
	})
}

func TestANewCodeEndsTheOneBeforeAndComesNotTooSoon(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		l, _ := c.issue(t, byMail)
		first := c.code(t, l)
		if code, err := c.NewCode(ctx, l); !errors.Is(err, guest.ErrSoon) || code != "" {
			t.Errorf("at once: %q, %v", code, err)
		}
		c.now = c.now.Add(guest.CodePause)
		second := c.code(t, l)
		for second == first { // one in a million
			c.now = c.now.Add(guest.CodePause)
			second = c.code(t, l)
		}
		c.spoilt(t, "the one before", l, first)
		if err := c.take(l, second); err != nil {
			t.Error(err)
		}
		made := 2
		for ; made < 100; made++ {
			c.now = c.now.Add(guest.CodePause)
			if _, err := c.NewCode(ctx, l); errors.Is(err, guest.ErrSoon) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if made > 21 { // a mailbox is not filled by whoever has a link
			t.Errorf("%d codes were made for one link", made)
		}
	})
}

func TestACodeIsOfItsLinkAndOfNoOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		kim, _ := c.issue(t, byMail)
		eve, _ := c.issue(t, func(r *guest.Request) { r.Mode, r.Mail = guest.Mail, "eve@example.org" })
		mine, theirs := c.code(t, kim), c.code(t, eve)
		if mine != theirs {
			c.spoilt(t, "a code that went to another address", kim, theirs)
		}
		// Even in the database, a code does not move: it opens only in the row it was sealed for.
		row, err := s.Guests.Get(ctx, eve.ID)
		if err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(guest.CodePause)
		wide := store.GuestLimits{Tries: 5, Wrong: 10, Codes: 20, Life: guest.CodeLife, Pause: guest.CodePause}
		if err := s.Guests.SetCode(ctx, kim.ID, row.Code, wide, c.now); err != nil {
			t.Fatal(err)
		}
		if err := c.take(kim, theirs); err == nil {
			t.Error("a code that was moved from another link is taken")
		}
		if err := c.take(eve, theirs); err != nil {
			t.Error("the control:", err)
		}
	})
}

func TestACodeDiesAfterFiveTriesAndTheLinkAfterTen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := open(t, s)
		l, secret := c.issue(t, byMail)
		v := c.enter(t, l)
		code := c.code(t, l)
		for range 4 {
			c.spoilt(t, "wrong", l, wrong(code))
		}
		if err := c.take(l, code); err != nil {
			t.Fatal("the fifth try:", err)
		}
		c.now = c.now.Add(guest.CodePause)
		code = c.code(t, l)
		for range 5 {
			c.spoilt(t, "wrong", l, wrong(code))
		}
		c.spoilt(t, "right, after five wrong ones", l, code)
		c.found(t, "five wrong ones lock nobody out", secret, "")
		c.now = c.now.Add(guest.CodePause)
		code = c.code(t, l)
		for range 5 {
			c.spoilt(t, "wrong", l, wrong(code))
		}
		c.refused(t, "after ten wrong ones in a row, somebody new", secret, "")
		c.found(t, "one who was here before", secret, v.Secret)
		if list, err := c.List(context.Background(), room); err != nil || len(list) != 1 || list[0].State != guest.Locked {
			t.Error(list, err)
		}
		c.now = c.now.Add(guest.CodePause)
		if again, err := c.NewCode(context.Background(), l); err == nil {
			c.spoilt(t, "a right code of a locked link", l, again)
		}
	})
}

func TestManyTriesAtOnceFromTwoInstancesAreNotMoreThanOneAfterTheOther(t *testing.T) {
	storetest.Twice(t, func(t *testing.T, one, two *store.Store) {
		c := open(t, one)
		beside := &clocked{Links: c.Links, now: c.now}
		beside.Store = two
		at := func(i int) *clocked {
			if i%2 == 0 {
				return c
			}
			return beside
		}
		l, _ := c.issue(t, byMail)
		code := c.code(t, l)
		var wg sync.WaitGroup
		var taken atomic.Int32
		for i := range 5 {
			wg.Go(func() {
				if err := at(i).take(l, code); err == nil {
					taken.Add(1)
				} else if !errors.Is(err, guest.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1 {
			t.Errorf("the code was taken %d times", taken.Load())
		}
		c.now = c.now.Add(guest.CodePause)
		code = c.code(t, l)
		for i := range 20 {
			wg.Go(func() {
				if err := at(i).take(l, fmt.Sprintf("x%05d", i)); !errors.Is(err, guest.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		row, err := one.Guests.Get(context.Background(), l.ID)
		if err != nil || row.CodeTries != 5 {
			t.Errorf("%d tries were counted and looked at, %v", row.CodeTries, err)
		}
		c.spoilt(t, "right, after five wrong ones at once", l, code)
	})
}

func TestACodeByVoiceIsShownWhileItHoldsAndAMailedOneNever(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		voice, _ := c.issue(t, func(r *guest.Request) { r.Mode = guest.Voice })
		mailed, _ := c.issue(t, byMail)
		code := c.code(t, voice)
		c.code(t, mailed)
		shown := func() map[string]guest.Link {
			list, err := c.List(ctx, room)
			if err != nil {
				t.Fatal(err)
			}
			by := map[string]guest.Link{}
			for _, l := range list {
				by[l.ID] = l
			}
			return by
		}
		by := shown()
		if by[voice.ID].Code != code || !by[voice.ID].CodeExpires.Equal(c.now.Add(guest.CodeLife)) || by[mailed.ID].Code != "" || by[mailed.ID].Mail != "kim@example.org" {
			t.Errorf("%+v", by)
		}
		c.now = c.now.Add(guest.CodeLife)
		if by := shown(); by[voice.ID].Code != "" {
			t.Error("a code that is over is shown")
		}
	})
}
