// Command kubernetes-types writes what Isthmus knows of Kubernetes' Go types, and the fixtures that its own
// implementations are compared with. See scripts/generate-kubernetes-types.go.ts, which runs it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
)

func write(value any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
}

func build() (*table, map[string]string) {
	b := &table{messages: map[string]map[string][3]string{}, patches: map[string]map[string]patch{}}
	roots := map[string]string{}
	for _, k := range kinds {
		t := reflect.TypeOf(k.make()).Elem()
		b.add(t)
		roots[k.apiVersion+"/"+k.name] = messageName(t)
	}
	return b, roots
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "protobuf | merge-keys | objects N | pods N | patches N | quantities")
		os.Exit(2)
	}
	count := 0
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	switch os.Args[1] {
	case "protobuf":
		b, roots := build()
		write(map[string]any{"kinds": roots, "messages": b.messages})
	case "merge-keys":
		b, roots := build()
		write(map[string]any{"kinds": roots, "types": b.patches})
	case "objects":
		write(objects(count))
	case "pods":
		write(pods(count))
	case "patches":
		write(patches(count))
	case "quantities":
		write(quantities())
	default:
		os.Exit(2)
	}
}
