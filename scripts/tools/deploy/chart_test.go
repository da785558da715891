package deploy

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(root + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// values of a first installation, with changes over them.
func values(t *testing.T, changes string) map[string]any {
	t.Helper()
	out := map[string]any{"kafka": map[string]any{"brokers": []any{"kafka-0:9092", "kafka-1:9092"}},
		"stores": map[string]any{"demo.yaml": read(t, "schemas/stores/demo.yaml")}}
	change := map[string]any{}
	if err := yaml.Unmarshal([]byte(changes), &change); err != nil {
		t.Fatal(err)
	}
	return chartutil.CoalesceTables(change, out)
}

func chartOf(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(root + "/helm/tributary")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render gives the objects by kind, decoded strictly, and the notes.
func render(c *chart.Chart, vals map[string]any) (objects map[string]any, notes string, err error) {
	v, err := chartutil.ToRenderValues(c, vals, chartutil.ReleaseOptions{Name: "shop", Namespace: "data", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, "", err
	}
	files, err := engine.Engine{Strict: true}.Render(c, v)
	if err != nil {
		return nil, "", err
	}
	objects = map[string]any{}
	for name, text := range files {
		switch {
		case path.Base(name) == "NOTES.txt":
			notes = text
		case strings.HasPrefix(path.Base(name), "_") || strings.TrimSpace(text) == "":
		default:
			kind, o, err := decode(text)
			if err != nil {
				return nil, "", fmt.Errorf("%s: %w", name, err)
			}
			objects[kind] = o
		}
	}
	return objects, notes, nil
}

// decode refuses fields that Kubernetes does not know.
func decode(text string) (string, any, error) {
	var head struct{ Kind string }
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		return "", nil, err
	}
	o := map[string]any{"Deployment": &appsv1.Deployment{}, "Service": &corev1.Service{}, "ServiceAccount": &corev1.ServiceAccount{},
		"ConfigMap": &corev1.ConfigMap{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		"HorizontalPodAutoscaler": &autoscalingv2.HorizontalPodAutoscaler{}}[head.Kind]
	if o == nil {
		return "", nil, fmt.Errorf("kind %q is new to this test", head.Kind)
	}
	return head.Kind, o, yaml.UnmarshalStrict([]byte(text), o)
}

func mustRender(t *testing.T, changes string) (map[string]any, string) {
	t.Helper()
	objects, notes, err := render(chartOf(t), values(t, changes))
	if err != nil {
		t.Fatal(err)
	}
	return objects, notes
}

func TestChartKinds(t *testing.T) {
	t.Parallel()
	always := []string{"Deployment", "Service", "ServiceAccount"}
	for name, c := range map[string]struct {
		changes string
		more    []string
	}{
		"defaults":           {"", []string{"ConfigMap", "PodDisruptionBudget"}},
		"one replica":        {"ingest: {replicas: 1}", []string{"ConfigMap"}},
		"autoscaling":        {"ingest: {replicas: 1, autoscaling: {enabled: true}}", []string{"ConfigMap", "PodDisruptionBudget", "HorizontalPodAutoscaler"}},
		"its own config map": {"{stores: null, existingStoresConfigMap: mine}", []string{"PodDisruptionBudget"}},
		"everything": {`{image: {digest: "sha256:` + strings.Repeat("0", 64) + `"}, imagePullSecrets: [x], serviceAccount: {annotations: {a: b}},
			ingest: {extraEnv: [{name: GOMEMLIMIT, value: 400MiB}], podAnnotations: {a: b}, podLabels: {a: b}, nodeSelector: {a: b}, affinity: {nodeAffinity: {}},
			tolerations: [{operator: Exists}], priorityClassName: high, preStopSeconds: 0, service: {type: LoadBalancer, annotations: {a: b}},
			topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}}`, []string{"ConfigMap", "PodDisruptionBudget"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, notes := mustRender(t, c.changes)
			want := slices.Sorted(slices.Values(slices.Concat(always, c.more)))
			if got := slices.Sorted(maps.Keys(objects)); !slices.Equal(got, want) {
				t.Errorf("kinds: %v, want %v", got, want)
			}
			if !strings.Contains(notes, "tributary topics create --brokers kafka-0:9092,kafka-1:9092") {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}

func TestChartDeployment(t *testing.T) {
	t.Parallel()
	objects, _ := mustRender(t, "")
	d := objects["Deployment"].(*appsv1.Deployment)
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]
	for probe, want := range map[*corev1.Probe]string{c.StartupProbe: "/livez", c.LivenessProbe: "/livez", c.ReadinessProbe: "/readyz"} {
		if probe == nil || probe.HTTPGet.Path != want || probe.HTTPGet.Port.String() != "admin" {
			t.Errorf("probe: %v, want %s on the admin port", probe, want)
		}
	}
	if s := c.SecurityContext; !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security context of the container: %v", s)
	}
	if s := pod.SecurityContext; !*s.RunAsNonRoot || *s.RunAsUser != 65532 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("security context of the pod: %v", s)
	}
	if *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks || *pod.TerminationGracePeriodSeconds != 60 || len(pod.TopologySpreadConstraints) != 2 {
		t.Errorf("pod: %+v", pod)
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("resources: %v", c.Resources)
	}
	if c.Image != "ghcr.io/tributary-data/tributary:0.1.0" || *d.Spec.Replicas != 2 {
		t.Errorf("image %s, %d replicas", c.Image, *d.Spec.Replicas)
	}
	labels := d.Spec.Template.Labels
	for name, selector := range map[string]map[string]string{"the deployment": d.Spec.Selector.MatchLabels,
		"the service": objects["Service"].(*corev1.Service).Spec.Selector, "the budget": objects["PodDisruptionBudget"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels} {
		for k, v := range selector {
			if labels[k] != v || len(selector) != 3 {
				t.Errorf("%s selects %v, the pods have %v", name, selector, labels)
			}
		}
	}
}

func TestChartSettings(t *testing.T) {
	t.Parallel()
	objects, _ := mustRender(t, "ingest: {ports: {traffic: 9000, admin: 9001}}")
	env := map[string]string{}
	for _, e := range objects["Deployment"].(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}
	for _, f := range unknownSettings("chart", allSettings(t)["ingest"], slices.Sorted(maps.Keys(env))) {
		t.Error(f)
	}
	for name, want := range map[string]string{"TRIBUTARY_ADDR": ":9000", "TRIBUTARY_ADMIN_ADDR": ":9001", "TRIBUTARY_KAFKA_BROKERS": "kafka-0:9092,kafka-1:9092",
		"TRIBUTARY_STORES": "/etc/tributary/stores"} {
		if env[name] != want {
			t.Errorf("%s = %q, want %q", name, env[name], want)
		}
	}
	if got := objects["ConfigMap"].(*corev1.ConfigMap).Data["demo.yaml"]; got != read(t, "schemas/stores/demo.yaml") {
		t.Errorf("the store file in the config map:\n%s", got)
	}
}

func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ changes, want string }{
		"a misspelt key":              {"ingest: {replica: 3}", "replica"},
		"a number as text":            {`ingest: {replicas: "3"}`, "replicas"},
		"a broker without port":       {"kafka: {brokers: [kafka]}", "brokers"},
		"no broker":                   {"kafka: {brokers: []}", "kafka.brokers is empty"},
		"an unknown level":            {"ingest: {log: {level: loud}}", "level"},
		"a moving tag":                {"image: {tag: latest}", "tag"},
		"a short digest":              {`image: {digest: "sha256:00"}`, "digest"},
		"a port of root's":            {"ingest: {ports: {traffic: 80}}", "traffic"},
		"a store that is no text":     {"stores: {other.yaml: {store: demo}}", "other.yaml"},
		"a store file without ending": {"stores: {demo: x}", "demo"},
		"no store":                    {"stores: null", "no store"},
		"two sources of stores":       {"existingStoresConfigMap: mine", "not both"},
		"no time to drain":            {"ingest: {preStopSeconds: 30, terminationGracePeriodSeconds: 40}", "terminationGracePeriodSeconds"},
		"a scale upside down":         {"ingest: {autoscaling: {enabled: true, minReplicas: 20}}", "minReplicas is above maxReplicas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := render(chartOf(t), values(t, c.changes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("render() = %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestChartValues: every value has a comment that begins with its name, or sits in a group whose members have one.
func TestChartValues(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`^( *)([A-Za-z]+):(.*)$`)
	lines := strings.Split(read(t, "helm/tributary/values.yaml"), "\n")
	for i, line := range lines {
		m := key.FindStringSubmatch(line)
		if m == nil || m[3] == "" && i+1 < len(lines) || slices.Contains([]string{"cpu", "memory"}, m[2]) {
			continue
		}
		if i == 0 || !strings.HasPrefix(strings.TrimSpace(lines[i-1]), "# ") && !strings.Contains(lines[i-1], "are public in") {
			t.Errorf("values.yaml:%d: %s has no comment", i+1, m[2])
		}
	}
	if _, _, err := render(chartOf(t), map[string]any{}); err == nil {
		t.Error("the defaults alone render: an installation without brokers would wait for ever")
	}
	ci := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, "helm/tributary/ci/default-values.yaml")), &ci); err != nil {
		t.Fatal(err)
	}
	if _, _, err := render(chartOf(t), ci); err != nil {
		t.Error(err)
	}
}
