package main

import (
	"encoding/json"
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

type patchFixture struct {
	Original json.RawMessage `json:"original"`
	Patch    json.RawMessage `json:"patch"`
	// Absent where the patch is refused.
	Result json.RawMessage `json:"result,omitempty"`
}

// patches draws two pods that share names, computes the strategic merge patch between them as kubectl does and
// applies it to a third one that is related to both, as if the server had changed meanwhile.
func patches(count int) []patchFixture {
	r := rand.New(rand.NewSource(2))
	pick := func(texts ...string) string { return texts[r.Intn(len(texts))] }
	draw := func() corev1.Pod {
		pod := corev1.Pod{}
		pod.Name = "p"
		if r.Intn(2) == 0 {
			pod.Labels = map[string]string{pick("a", "b"): pick("1", "2")}
		}
		for _, finalizer := range []string{"x/1", "x/2", "x/3"} {
			if r.Intn(2) == 0 {
				pod.Finalizers = append(pod.Finalizers, finalizer)
			}
		}
		for _, i := range r.Perm(4)[:1+r.Intn(3)] {
			container := corev1.Container{Name: fmt.Sprint("c", i), Image: pick("i:1", "i:2")}
			for _, e := range r.Perm(3)[:r.Intn(3)] {
				container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprint("E", e), Value: pick("", "1", "2")})
			}
			for _, p := range r.Perm(3)[:r.Intn(3)] {
				container.Ports = append(container.Ports, corev1.ContainerPort{ContainerPort: int32(80 + p), Name: pick("", "n")})
			}
			for _, m := range r.Perm(3)[:r.Intn(3)] {
				container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: pick("v0", "v1"), MountPath: fmt.Sprint("/m", m)})
			}
			if r.Intn(3) == 0 {
				container.Args = []string{pick("a", "b"), pick("c", "d")}
				container.Resources.Limits = corev1.ResourceList{"cpu": resource.MustParse(pick("1", "2"))}
			}
			pod.Spec.Containers = append(pod.Spec.Containers, container)
		}
		for _, i := range r.Perm(3)[:r.Intn(3)] {
			volume := corev1.Volume{Name: fmt.Sprint("v", i)}
			switch r.Intn(3) {
			case 0:
				volume.EmptyDir = &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMedium(pick("", "Memory"))}
			case 1:
				volume.Secret = &corev1.SecretVolumeSource{SecretName: pick("s", "t")}
			case 2:
				volume.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: pick("s", "t")}}
			}
			pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
		}
		for _, i := range r.Perm(3)[:r.Intn(3)] {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: fmt.Sprint("t", i)})
			pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: fmt.Sprint("s", i)})
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
				Type: corev1.PodConditionType(fmt.Sprint("C", i)), Status: corev1.ConditionStatus(pick("True", "False"))})
			pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: fmt.Sprint("10.0.0.", i)})
		}
		if r.Intn(2) == 0 {
			user := int64(r.Intn(2))
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &user, SupplementalGroups: []int64{int64(r.Intn(3))}}
		}
		if r.Intn(2) == 0 {
			pod.Spec.NodeSelector = map[string]string{pick("a", "b"): pick("1", "2")}
		}
		return pod
	}
	marshal := func(value any) []byte {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return text
	}
	out := []patchFixture{}
	for len(out) < count {
		before, after, server := draw(), draw(), draw()
		if r.Intn(3) > 0 {
			server = before
		}
		patch, err := strategicpatch.CreateTwoWayMergePatch(marshal(before), marshal(after), corev1.Pod{})
		if err != nil {
			continue
		}
		original := marshal(server)
		result, err := strategicpatch.StrategicMergePatch(original, patch, corev1.Pod{})
		if err != nil {
			result = nil
		}
		out = append(out, patchFixture{original, patch, result})
	}
	return out
}
