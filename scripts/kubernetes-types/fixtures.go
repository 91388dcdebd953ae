package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"
)

type fixture struct {
	Kind     string          `json:"kind"`
	JSON     json.RawMessage `json:"json"`
	Protobuf string          `json:"protobuf"`
}

// filler draws objects. What JSON can not carry is not drawn: integers beyond 2^53, times finer than a second
// (micro: than a microsecond), bytes that are nil inside a map. Protobuf can not carry lists that are empty and not
// nil, so none are.
func filler(seed int64) *randfill.Filler {
	return randfill.NewWithSeed(seed).NilChance(0.45).NumElements(1, 2).MaxDepth(14).Funcs(
		func(q *resource.Quantity, c randfill.Continue) {
			texts := []string{"0", "1", "1500m", "1Gi", "1.5Gi", "100n", "12k", "1e3", "-5", "0.1", "512Mi", "3E"}
			*q = resource.MustParse(texts[c.Intn(len(texts))])
		},
		func(t *metav1.Time, c randfill.Continue) {
			if c.Bool() {
				*t = metav1.Time{Time: time.Unix(c.Int63n(4e9)-1e9, 0).UTC()}
			} else {
				*t = metav1.Time{}
			}
		},
		func(t *metav1.MicroTime, c randfill.Continue) {
			if c.Bool() {
				*t = metav1.MicroTime{Time: time.UnixMicro(c.Int63n(4e15)).UTC()}
			} else {
				*t = metav1.MicroTime{}
			}
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			if c.Bool() {
				*v = intstr.FromInt32(c.Int31() - c.Int31())
			} else {
				*v = intstr.FromString(c.String(8))
			}
		},
		func(v *int64, c randfill.Continue) {
			*v = []int64{0, 0, 1, -1, 1<<53 - 1, c.Int63n(1 << 40)}[c.Intn(6)]
		},
		func(v *int32, c randfill.Continue) { *v = []int32{0, 0, 1, -1, c.Int31()}[c.Intn(5)] },
		func(v *[]byte, c randfill.Continue) {
			*v = make([]byte, c.Intn(9))
			c.Read(*v)
		},
		func(v *string, c randfill.Continue) {
			*v = []string{"", "a", "ä\u2028\"\\", "x-1", "{{}}", c.String(6)}[c.Intn(6)]
		},
		func(v *metav1.FieldsV1, c randfill.Continue) { v.Raw = []byte(`{"f:metadata":{"f:name":{}}}`) },
		func(v *runtime.RawExtension, c randfill.Continue) { v.Raw = []byte(`{"a":[1,"b",null]}`) },
		func(v *metav1.TypeMeta, c randfill.Continue) {},
	)
}

func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, policyv1.AddToScheme, coordinationv1.AddToScheme, eventsv1.AddToScheme,
		discoveryv1.AddToScheme, authenticationv1.AddToScheme, authorizationv1.AddToScheme,
		appsv1.AddToScheme, batchv1.AddToScheme, rbacv1.AddToScheme, certificatesv1.AddToScheme,
		schedulingv1.AddToScheme, admissionregistrationv1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	return s
}

func objects(count int) []fixture {
	s := scheme()
	serializer := protobuf.NewSerializer(s, s)
	out := []fixture{}
	for number, k := range kinds {
		for i := 0; i < count; i++ {
			object := k.make()
			if i > 0 { // the first of each kind is empty
				filler(int64(number*100000 + i)).Fill(object)
			}
			gv, _ := schema.ParseGroupVersion(k.apiVersion)
			object.GetObjectKind().SetGroupVersionKind(gv.WithKind(k.name))
			text, err := json.Marshal(object)
			if err != nil {
				panic(fmt.Sprint(k, err))
			}
			var bytes bytes.Buffer
			if err := serializer.Encode(object, &bytes); err != nil {
				panic(fmt.Sprint(k, err))
			}
			out = append(out, fixture{k.apiVersion + "/" + k.name, text, base64.StdEncoding.EncodeToString(bytes.Bytes())})
		}
	}
	return out
}
