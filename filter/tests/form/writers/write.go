// Sends the forms that it is asked for as Go's mime/multipart writes them; see write.py.
package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	for cases := os.Args[2:]; len(cases) > 1; cases = cases[2:] {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		must(form.WriteField("model", "good-1"))
		if cases[0] != "-" {
			file, err := form.CreateFormFile("file", cases[0][1:])
			must(err)
			_, err = file.Write([]byte(cases[1]))
			must(err)
		}
		must(form.Close())
		answer, err := http.Post(os.Args[1], form.FormDataContentType(), &body)
		must(err)
		_, _ = io.Copy(io.Discard, answer.Body)
		must(answer.Body.Close())
	}
}
