package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// openTUN makes the TUN device NAMESPACE:DEVICE. It goes when the file is closed.
func openTUN(spec string) (*os.File, error) {
	namespace, device, ok := strings.Cut(spec, ":")
	if !ok {
		return nil, fmt.Errorf("%q is not NAMESPACE:DEVICE", spec)
	}
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result)
	go func() {
		// The thread stays in the namespace and ends with this goroutine, since it is never unlocked.
		runtime.LockOSThread()
		f, err := openIn(namespace, device)
		done <- result{f, err}
	}()
	r := <-done
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", spec, r.err)
	}
	return r.file, nil
}

func openIn(namespace, device string) (*os.File, error) {
	ns, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("entering the namespace: %w", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(device)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), device), nil
}
