package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
)

// client-go-probe is an unmodified client-go in front of any API server, for what kubectl does not show:
// which encodings it sends and whether an informer syncs by a watch alone. It prints one JSON object a line.
func newProbeCommand() *cobra.Command {
	var kubeconfig, namespace string
	command := &cobra.Command{Use: "client-go-probe", SilenceUsage: true}
	command.PersistentFlags().StringVar(&kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "whom to ask, and as whom")
	command.PersistentFlags().StringVar(&namespace, "namespace", "default", "where; for informer, empty means everywhere")
	connect := func() (*kubernetes.Clientset, *recorder, error) {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return nil, nil, err
		}
		requests := &recorder{}
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return requests.over(next) })
		config.WarningHandler = rest.NoWarnings{}
		client, err := kubernetes.NewForConfig(config)
		return client, requests, err
	}
	command.AddCommand(&cobra.Command{
		Use:   "typed",
		Short: "make, read, change and delete a Secret, a ConfigMap and a pod",
		RunE: func(_ *cobra.Command, _ []string) error {
			client, requests, err := connect()
			if err != nil {
				return err
			}
			result, err := typed(client, namespace)
			print(map[string]any{"result": result, "requests": requests.seen})
			return err
		},
	}, &cobra.Command{
		Use:   "informer",
		Short: "follow pods until standard input ends",
		RunE: func(_ *cobra.Command, _ []string) error {
			client, requests, err := connect()
			if err != nil {
				return err
			}
			return follow(client, requests, namespace)
		},
	})
	return command
}

// typed returns what was read back, so that the caller can compare it with what was sent.
func typed(client *kubernetes.Clientset, namespace string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	core := client.CoreV1()
	name := fmt.Sprintf("probe-%d", time.Now().UnixNano())
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace}
	secret, err := core.Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"bytes": {0, 1, 254, 255}}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create secret: %w", err)
	}
	configMap, err := core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"key": "value"}, BinaryData: map[string][]byte{"b": {255}}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create configmap: %w", err)
	}
	pod, err := core.Pods(namespace).Create(ctx, probePod(meta), metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create pod: %w", err)
	}
	configMap.Data["key"] = "changed"
	if configMap, err = core.ConfigMaps(namespace).Update(ctx, configMap, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("update configmap: %w", err)
	}
	patch := []byte(`{"metadata":{"labels":{"patched":"yes"}}}`)
	if pod, err = core.Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return nil, fmt.Errorf("patch pod: %w", err)
	}
	read, err := core.Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "patched=yes"})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	eviction := &policyv1.Eviction{ObjectMeta: meta, DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}}
	if err := core.Pods(namespace).EvictV1(ctx, eviction); err != nil {
		return nil, fmt.Errorf("evict pod: %w", err)
	}
	for resource, remove := range map[string]func(context.Context, string, metav1.DeleteOptions) error{
		"secret": core.Secrets(namespace).Delete, "configmap": core.ConfigMaps(namespace).Delete,
	} {
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{}, GracePeriodSeconds: ptr.To[int64](0)}
		if err := remove(ctx, name, options); err != nil {
			return nil, fmt.Errorf("delete %s: %w", resource, err)
		}
	}
	return map[string]any{"secret": secret, "configMap": configMap, "pod": pod, "listed": len(read.Items)}, nil
}

// probePod sets pointers to zero values: they are present and must stay so through protobuf.
func probePod(meta metav1.ObjectMeta) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: meta,
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: ptr.To[int64](0),
			AutomountServiceAccountToken:  ptr.To(false),
			SecurityContext:               &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](0)},
			Containers: []corev1.Container{{
				Name: "main", Image: "busybox:1", ImagePullPolicy: corev1.PullNever,
				Command:         []string{"sleep", "3600"},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: ptr.To(false)},
			}},
		},
	}
}

func follow(client *kubernetes.Clientset, requests *recorder, namespace string) error {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().Pods().Informer()
	tell := func(event string) func(any) {
		return func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			pod := object.(*corev1.Pod)
			print(map[string]any{"event": event, "namespace": pod.Namespace, "name": pod.Name, "phase": pod.Status.Phase, "resourceVersion": pod.ResourceVersion})
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    tell("ADDED"),
		UpdateFunc: func(_, object any) { tell("MODIFIED")(object) },
		DeleteFunc: tell("DELETED"),
	}); err != nil {
		return err
	}
	stop := make(chan struct{})
	factory.Start(stop)
	started := time.Now()
	for !informer.HasSynced() {
		if time.Since(started) > 30*time.Second {
			return fmt.Errorf("not synced in 30 s: %v", requests.copy())
		}
		time.Sleep(10 * time.Millisecond)
	}
	print(map[string]any{"event": "SYNCED", "milliseconds": time.Since(started).Milliseconds(), "requests": requests.copy()})
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(stop)
	print(map[string]any{"event": "STOPPED", "requests": requests.copy()})
	return nil
}

type request struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Query       string `json:"query,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Accept      string `json:"accept,omitempty"`
	Status      int    `json:"status"`
}

// recorder notes every request as it is sent.
type recorder struct {
	mutex sync.Mutex
	seen  []request
}

func (r *recorder) copy() []request {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]request{}, r.seen...)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (r *recorder) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(sent *http.Request) (*http.Response, error) {
		reply, err := next.RoundTrip(sent)
		status := 0
		if reply != nil {
			status = reply.StatusCode
		}
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.seen = append(r.seen, request{sent.Method, sent.URL.Path, sent.URL.RawQuery, sent.Header.Get("Content-Type"), sent.Header.Get("Accept"), status})
		return reply, err
	})
}

var printing sync.Mutex

func print(value any) {
	printing.Lock()
	defer printing.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(value)
}
