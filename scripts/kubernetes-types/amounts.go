package main

import (
	"encoding/json"
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helpers "k8s.io/component-helpers/resource"
)

type podFixture struct {
	Pod      json.RawMessage   `json:"pod"`
	Requests map[string]string `json:"requests"`
	Limits   map[string]string `json:"limits"`
}

func exact(list corev1.ResourceList) map[string]string {
	out := map[string]string{}
	for name, quantity := range list {
		milli := quantity.DeepCopy()
		milli.RoundUp(resource.Milli)
		out[string(name)] = milli.AsDec().String()
	}
	return out
}

// pods draws pods as an API server has stored them (requests defaulted) and says what they take, by the very
// code that quota and scheduler use.
func pods(count int) []podFixture {
	r := rand.New(rand.NewSource(1))
	names := []corev1.ResourceName{"cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "example.com/gpu"}
	texts := []string{"0", "1", "100m", "250m", "1Gi", "1.5Gi", "64Mi", "3", "7", "2k"}
	list := func(chance float64) corev1.ResourceList {
		out := corev1.ResourceList{}
		for _, name := range names {
			if r.Float64() < chance {
				out[name] = resource.MustParse(texts[r.Intn(len(texts))])
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	requirements := func() corev1.ResourceRequirements {
		v := corev1.ResourceRequirements{Limits: list(0.4), Requests: list(0.5)}
		for name, quantity := range v.Limits {
			if v.Requests == nil {
				v.Requests = corev1.ResourceList{}
			}
			if _, ok := v.Requests[name]; !ok {
				v.Requests[name] = quantity
			}
		}
		return v
	}
	always := corev1.ContainerRestartPolicyAlways
	never := corev1.ContainerRestartPolicyNever
	status := func(name string) corev1.ContainerStatus {
		v := corev1.ContainerStatus{Name: name, AllocatedResources: list(0.4)}
		if r.Float64() < 0.6 {
			v.Resources = &corev1.ResourceRequirements{Limits: list(0.4), Requests: list(0.4)}
		}
		return v
	}
	out := []podFixture{}
	for i := 0; i < count; i++ {
		pod := corev1.Pod{}
		for c := r.Intn(4); c > 0; c-- {
			name := fmt.Sprintf("c%d", c)
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Resources: requirements()})
			if r.Float64() < 0.3 {
				pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status(name))
			}
		}
		for c := r.Intn(4); c > 0; c-- {
			name := fmt.Sprintf("i%d", c)
			container := corev1.Container{Name: name, Resources: requirements()}
			switch r.Intn(4) {
			case 0, 1:
				container.RestartPolicy = &always
			case 2:
				container.RestartPolicy = &never
			}
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
			if r.Float64() < 0.3 {
				pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status(name))
			}
		}
		if r.Float64() < 0.3 {
			v := requirements()
			pod.Spec.Resources = &v
			if r.Float64() < 0.3 {
				pod.Status.Resources = &corev1.ResourceRequirements{Limits: list(0.4), Requests: list(0.4)}
				pod.Status.AllocatedResources = list(0.4)
			}
		}
		if r.Float64() < 0.3 {
			pod.Spec.Overhead = list(0.4)
		}
		if r.Float64() < 0.3 {
			reason := []string{corev1.PodReasonInfeasible, corev1.PodReasonDeferred}[r.Intn(2)]
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Reason: reason}}
		}
		text, err := json.Marshal(pod)
		if err != nil {
			panic(err)
		}
		options := helpers.PodResourcesOptions{
			UseStatusResources: true,
			InPlacePodLevelResourcesVerticalScalingEnabled: true,
		}
		out = append(out, podFixture{text, exact(helpers.PodRequests(&pod, options)), exact(helpers.PodLimits(&pod, options))})
	}
	return out
}

type quantityFixture struct {
	Text string `json:"text"`
	// Of what was parsed, rounded up to thousandths; empty where it is refused.
	Milli     string `json:"milli,omitempty"`
	Canonical string `json:"canonical,omitempty"`
}

// quantities is what apimachinery makes of texts: every suffix on many numbers.
func quantities() []quantityFixture {
	numbers := []string{"0", "1", "5", "-5", "+5", "1.5", ".5", "5.", "0.001", "0.0001", "1.0005", "1023", "1024", "1000",
		"1536", "123456789", "00012", "1.", "-0", "", ".", "1.2.3", "1 ", " 1", "0x10", "Infinity", "NaN", "１"}
	suffixes := []string{"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E3",
		"e-3", "E+2", "e", "E+", "e3m", "K", "i", "mi", "KI", "ki", "B", "e1.5", "Kim"}
	out := []quantityFixture{}
	for _, number := range numbers {
		for _, suffix := range suffixes {
			f := quantityFixture{Text: number + suffix}
			if q, err := resource.ParseQuantity(f.Text); err == nil {
				q.RoundUp(resource.Milli)
				f.Milli = q.AsDec().String()
				f.Canonical = q.String()
			}
			out = append(out, f)
		}
	}
	return out
}
