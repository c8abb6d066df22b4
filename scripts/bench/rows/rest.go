package main

func latency(b *bench) error  { return nil }
func capacity(b *bench) error { return nil }
func receive(b *bench) error  { return nil }
func memory(b *bench) error   { return nil }
func join(b *bench) error     { return nil }
func gc(b *bench) error       { return nil }
