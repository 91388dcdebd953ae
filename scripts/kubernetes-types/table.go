package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// special types have a form of their own in JSON; their wire form is written out in the decoder.
var special = map[reflect.Type]string{
	reflect.TypeOf(metav1.Time{}):          "Time",
	reflect.TypeOf(metav1.MicroTime{}):     "MicroTime",
	reflect.TypeOf(metav1.Duration{}):      "Duration",
	reflect.TypeOf(metav1.FieldsV1{}):      "FieldsV1",
	reflect.TypeOf(runtime.RawExtension{}): "RawExtension",
	reflect.TypeOf(resource.Quantity{}):    "Quantity",
	reflect.TypeOf(intstr.IntOrString{}):   "IntOrString",
}

// table collects, by message, its fields by protobuf number:
//
//	[JSON name, type, flags]
//
// type is string, bytes, bool, int or the name of a message; before it `[]` for a list, `{}` for a map.
// Flags: p pointer, e omitempty, z omitzero, i inlined into the JSON object around it.
type table struct {
	messages map[string]map[string][3]string
	// The merge keys and strategies of strategic merge patch, by message and JSON name.
	patches map[string]map[string]patch
}

type patch struct {
	Strategy string `json:"s,omitempty"`
	Key      string `json:"k,omitempty"`
	Type     string `json:"t,omitempty"`
}

func messageName(t reflect.Type) string {
	if name, ok := special[t]; ok {
		return name
	}
	parts := strings.Split(t.PkgPath(), "/")
	if len(parts) < 2 {
		panic(fmt.Sprintf("no package: %v", t))
	}
	return parts[len(parts)-2] + "." + t.Name()
}

// typeName is the name of a type as a field has it, and adds the messages that it leads to.
func (b *table) typeName(t reflect.Type) (name string, pointer bool) {
	if t.Kind() == reflect.Pointer {
		name, _ := b.typeName(t.Elem())
		return name, true
	}
	if _, ok := special[t]; ok {
		return special[t], false
	}
	switch t.Kind() {
	case reflect.String:
		return "string", false
	case reflect.Bool:
		return "bool", false
	case reflect.Int32, reflect.Int64:
		return "int", false
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes", false
		}
		element, pointer := b.typeName(t.Elem())
		if pointer {
			panic(fmt.Sprintf("a list of pointers: %v", t))
		}
		// A named list such as ExtraValue is a message of its own on the wire where it is a map's value.
		return "[]" + element, false
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("a key that is no string: %v", t))
		}
		element, _ := b.typeName(t.Elem())
		return "{}" + element, false
	case reflect.Struct:
		b.add(t)
		return messageName(t), false
	}
	panic(fmt.Sprintf("no idea how %v is sent", t))
}

func (b *table) add(t reflect.Type) {
	name := messageName(t)
	if _, ok := b.messages[name]; ok {
		return
	}
	fields := map[string][3]string{}
	b.messages[name] = fields
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		jsonTag := strings.Split(field.Tag.Get("json"), ",")
		protoTag := strings.Split(field.Tag.Get("protobuf"), ",")
		if field.Type == reflect.TypeOf(metav1.TypeMeta{}) {
			// It travels in the envelope, except in DeleteOptions and the like, where it is not sent at all.
			continue
		}
		if len(protoTag) < 2 {
			panic(fmt.Sprintf("%s.%s has no protobuf tag", name, field.Name))
		}
		flags := ""
		typ, pointer := b.typeName(field.Type)
		if pointer {
			flags += "p"
		}
		for _, option := range jsonTag[1:] {
			switch option {
			case "omitempty":
				flags += "e"
			case "omitzero":
				flags += "z"
			case "inline":
				flags += "i"
			default:
				panic(fmt.Sprintf("%s.%s: %s", name, field.Name, option))
			}
		}
		if _, err := strconv.Atoi(protoTag[1]); err != nil {
			panic(fmt.Sprintf("%s.%s: %v", name, field.Name, protoTag))
		}
		fields[protoTag[1]] = [3]string{jsonTag[0], typ, flags}
		b.addPatch(name, jsonTag[0], typ, flags, field)
	}
}

func (b *table) addPatch(message, jsonName, typ, flags string, field reflect.StructField) {
	entry := patch{Strategy: field.Tag.Get("patchStrategy"), Key: field.Tag.Get("patchMergeKey")}
	element := strings.TrimPrefix(strings.TrimPrefix(typ, "[]"), "{}")
	if strings.Contains(element, ".") && !strings.Contains(typ, "{}") {
		entry.Type = element
	}
	if entry == (patch{}) {
		return
	}
	if strings.Contains(flags, "i") {
		jsonName = "*" + field.Name // its fields are the outer object's
	}
	if b.patches[message] == nil {
		b.patches[message] = map[string]patch{}
	}
	b.patches[message][jsonName] = entry
}
