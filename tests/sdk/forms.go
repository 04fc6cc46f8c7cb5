// The form reader of Go's servers: what net/http takes for the model of a form. As forms.py.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

type sample struct {
	Type string
	Body string
}

func models(kind string, body []byte) []string {
	found := []string{}
	request, _ := http.NewRequest("POST", "/", bytes.NewReader(body))
	request.Header.Set("Content-Type", kind)
	if request.ParseMultipartForm(1<<24) != nil {
		return found
	}
	found = append(found, request.MultipartForm.Value["model"]...)
	for _, header := range request.MultipartForm.File["model"] {
		if file, err := header.Open(); err == nil {
			text, _ := io.ReadAll(file)
			found = append(found, string(text))
		}
	}
	return found
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var it sample
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			panic(err)
		}
		body, err := hex.DecodeString(it.Body)
		if err != nil {
			panic(err)
		}
		text, _ := json.Marshal([]any{[]any{"net/http", models(it.Type, body)}})
		fmt.Println(string(text))
	}
}
