package main

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// kind is one object that a client may send as protobuf.
type kind struct {
	apiVersion, name string
	make             func() runtime.Object
}

// kinds are those that the gateway serves for writing, and those that client-go sends to the sandbox.
var kinds = []kind{
	{"v1", "Pod", func() runtime.Object { return &corev1.Pod{} }},
	{"v1", "ConfigMap", func() runtime.Object { return &corev1.ConfigMap{} }},
	{"v1", "Secret", func() runtime.Object { return &corev1.Secret{} }},
	{"v1", "Namespace", func() runtime.Object { return &corev1.Namespace{} }},
	{"v1", "Node", func() runtime.Object { return &corev1.Node{} }},
	{"v1", "Event", func() runtime.Object { return &corev1.Event{} }},
	{"v1", "Binding", func() runtime.Object { return &corev1.Binding{} }},
	{"v1", "Service", func() runtime.Object { return &corev1.Service{} }},
	{"v1", "ServiceAccount", func() runtime.Object { return &corev1.ServiceAccount{} }},
	{"v1", "PersistentVolumeClaim", func() runtime.Object { return &corev1.PersistentVolumeClaim{} }},
	{"v1", "DeleteOptions", func() runtime.Object { return &metav1.DeleteOptions{} }},
	{"policy/v1", "Eviction", func() runtime.Object { return &policyv1.Eviction{} }},
	{"coordination.k8s.io/v1", "Lease", func() runtime.Object { return &coordinationv1.Lease{} }},
	{"events.k8s.io/v1", "Event", func() runtime.Object { return &eventsv1.Event{} }},
	{"discovery.k8s.io/v1", "EndpointSlice", func() runtime.Object { return &discoveryv1.EndpointSlice{} }},
	{"authentication.k8s.io/v1", "TokenReview", func() runtime.Object { return &authenticationv1.TokenReview{} }},
	{"authentication.k8s.io/v1", "TokenRequest", func() runtime.Object { return &authenticationv1.TokenRequest{} }},
	{"authentication.k8s.io/v1", "SelfSubjectReview", func() runtime.Object { return &authenticationv1.SelfSubjectReview{} }},
	{"authorization.k8s.io/v1", "SubjectAccessReview", func() runtime.Object { return &authorizationv1.SubjectAccessReview{} }},
	{"authorization.k8s.io/v1", "SelfSubjectAccessReview", func() runtime.Object { return &authorizationv1.SelfSubjectAccessReview{} }},
	{"authorization.k8s.io/v1", "SelfSubjectRulesReview", func() runtime.Object { return &authorizationv1.SelfSubjectRulesReview{} }},
	{"authorization.k8s.io/v1", "LocalSubjectAccessReview", func() runtime.Object { return &authorizationv1.LocalSubjectAccessReview{} }},
}
