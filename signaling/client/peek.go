package client

// Peek names the body of a server's message without reading it: "joined", "event", … Of what is no message of the
// protocol it says "". Whoever hears much and needs little decodes only what it needs.
func Peek(data []byte) string {
	i := space(data, 0)
	if i >= len(data) || data[i] != '{' {
		return ""
	}
	for i++; ; i++ {
		name, at := word(data, space(data, i))
		if name == "" {
			return ""
		}
		i = space(data, at)
		if i >= len(data) || data[i] != ':' {
			return ""
		}
		if name != "re" {
			return name
		}
		for i++; i < len(data) && data[i] != ','; i++ {
			if data[i] == '}' {
				return ""
			}
		}
		if i >= len(data) {
			return ""
		}
	}
}

func space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// word reads a quoted name of letters.
func word(data []byte, i int) (string, int) {
	if i >= len(data) || data[i] != '"' {
		return "", i
	}
	from := i + 1
	for i = from; i < len(data) && i-from <= 32; i++ {
		switch c := data[i]; {
		case c == '"':
			return string(data[from:i]), i + 1
		case c < 'A' || c > 'z' || c > 'Z' && c < 'a':
			return "", i
		}
	}
	return "", i
}
