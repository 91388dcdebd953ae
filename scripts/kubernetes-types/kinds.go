package main

import (
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
	// Stored by the sandbox for kubectl; appended, so that the fixtures drawn for the kinds above stay as they are.
	{"apps/v1", "Deployment", func() runtime.Object { return &appsv1.Deployment{} }},
	{"apps/v1", "ReplicaSet", func() runtime.Object { return &appsv1.ReplicaSet{} }},
	{"apps/v1", "DaemonSet", func() runtime.Object { return &appsv1.DaemonSet{} }},
	{"apps/v1", "StatefulSet", func() runtime.Object { return &appsv1.StatefulSet{} }},
	{"batch/v1", "Job", func() runtime.Object { return &batchv1.Job{} }},
	{"rbac.authorization.k8s.io/v1", "Role", func() runtime.Object { return &rbacv1.Role{} }},
	{"rbac.authorization.k8s.io/v1", "ClusterRole", func() runtime.Object { return &rbacv1.ClusterRole{} }},
	{"rbac.authorization.k8s.io/v1", "RoleBinding", func() runtime.Object { return &rbacv1.RoleBinding{} }},
	{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", func() runtime.Object { return &rbacv1.ClusterRoleBinding{} }},
	{"certificates.k8s.io/v1", "CertificateSigningRequest", func() runtime.Object { return &certificatesv1.CertificateSigningRequest{} }},
	{"scheduling.k8s.io/v1", "PriorityClass", func() runtime.Object { return &schedulingv1.PriorityClass{} }},
	{"v1", "Endpoints", func() runtime.Object { return &corev1.Endpoints{} }},
	{"v1", "ResourceQuota", func() runtime.Object { return &corev1.ResourceQuota{} }},
	{"v1", "LimitRange", func() runtime.Object { return &corev1.LimitRange{} }},
	{"v1", "PersistentVolume", func() runtime.Object { return &corev1.PersistentVolume{} }},
	{"admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", func() runtime.Object { return &admissionregistrationv1.ValidatingAdmissionPolicy{} }},
	{"admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", func() runtime.Object { return &admissionregistrationv1.ValidatingAdmissionPolicyBinding{} }},
}
