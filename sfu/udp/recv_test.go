//go:build linux

package udp

import (
	"errors"
	"net"
	"testing"
	"time"
)

func TestRecvReturnsAtItsDeadline(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	for range 3 {
		deadline := time.Now().Add(5 * time.Millisecond)
		n, err := s.Recv(deadline, &sink{})
		if n != 0 || err != nil {
			t.Fatalf("Recv = %d, %v", n, err)
		}
		if time.Now().Before(deadline) {
			t.Fatal("returned before its deadline")
		}
	}
}

func TestRecvWithAPastDeadlinePolls(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	past := time.Now().Add(-time.Second)
	if n, err := s.Recv(past, &sink{}); n != 0 || err != nil {
		t.Fatalf("empty poll = %d, %v", n, err)
	}
	if err := s.SendTo(s.LocalAddr(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Recv(past, &sink{}); n != 1 || err != nil {
		t.Fatalf("poll = %d, %v", n, err)
	}
}

func TestWakeEndsTheRunningOrTheNextRecv(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	s.Wake()
	s.Wake() // counts as one
	if n, err := s.Recv(time.Time{}, &sink{}); n != 0 || err != nil {
		t.Fatalf("Recv after Wake = %d, %v", n, err)
	}
	// Many wakes from another goroutine, each answered: none may get lost.
	ask, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			ask <- struct{}{}
			s.Wake()
		}
	}()
	answered := 0
	for answered < 2000 {
		if _, err := s.Recv(time.Time{}, &sink{}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ask:
			answered++
		default:
		}
	}
	<-done
}

func TestWakeDoesNotLoseDatagrams(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	if err := s.SendTo(s.LocalAddr(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.Wake()
	if k := collect(t, s, 1); string(k.pkts[0]) != "x" {
		t.Fatal("lost")
	}
}

func TestCloseEndsRecvAndRefusesEverything(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, s, s.LocalAddr()), s.NewBatch()
	errs := make(chan error)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := s.Recv(time.Time{}, &sink{})
		errs <- err
	}()
	<-started
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Recv = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
	for _, deadline := range []time.Time{{}, time.Now().Add(-1), time.Now().Add(time.Hour)} {
		if _, err := s.Recv(deadline, &sink{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Recv after Close = %v", err)
		}
	}
	if err := s.SendTo(s.LocalAddr(), []byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SendTo = %v", err)
	}
	b.Buf(d, 10)
	b.Flush()
	s.Wake()
	if _, _, err := s.BufferSizes(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("BufferSizes = %v", err)
	}
}

func TestTruncatedDatagramIsCountedNotDelivered(t *testing.T) {
	rx, tx := listen(t, "127.0.0.1:0", Options{}), listen(t, "127.0.0.1:0", Options{})
	for i := range rx.rx.iovs {
		rx.rx.iovs[i].SetLen(100)
	}
	for _, n := range []int{101, 100} {
		if err := tx.SendTo(rx.LocalAddr(), make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if k := collect(t, rx, 1); len(k.pkts) != 1 || len(k.pkts[0]) != 100 {
		t.Errorf("got %d datagrams", len(k.pkts))
	}
	if got := rx.Counters().Dropped[DropTruncated].Load(); got != 1 {
		t.Errorf("truncated = %d", got)
	}
}

func TestKernelQueueOverflowIsCounted(t *testing.T) {
	rx, tx := listen(t, "127.0.0.1:0", Options{ReceiveBuffer: 4096}), listen(t, "127.0.0.1:0", Options{})
	for range 100 {
		_ = tx.SendTo(rx.LocalAddr(), make([]byte, 1000))
	}
	k := &sink{}
	for {
		n, err := rx.Recv(time.Now().Add(-1), k)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	// The count travels with the next datagram that gets in.
	_ = tx.SendTo(rx.LocalAddr(), []byte("after"))
	total := len(k.pkts) + len(collect(t, rx, 1).pkts)
	if got := rx.Counters().Dropped[DropSocketFull].Load(); int(got)+total != 101 {
		t.Errorf("dropped %d + delivered %d != 101", got, total)
	}
}
