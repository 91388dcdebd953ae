import type { Bridge } from './network.ts'
import { CNI_PLUGINS } from './requirements.ts'

/** Pods get addresses of the cluster's own subnet, behind the bridge that exists already; no NAT: the network ends at this machine. */
export function cniConfig(bridge: Bridge): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: bridge.name,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: bridge.subnet, rangeStart: bridge.subnet.replace('.0/24', '.10') }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  })
}

/** containerd 1.6, Debian's. */
export function containerdConfig(options: { dir: string; pauseImage: string; runc: string }): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
# Only what a node needs: the other snapshotters probe the file system and warn.
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]

[grpc]
address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${options.pauseImage}"
# A test machine may lack CAP_SYS_RESOURCE, without which a lower value than the parent's is refused.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "${options.runc}"
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${CNI_PLUGINS}"
conf_dir = "${options.dir}/cni"
`
}

/** What `ClusterFirst` means in the data plane: no address of the machine, so that a test can tell the two apart. */
export const CLUSTER_DNS = '192.0.2.10'

interface KubeletOptions {
  dir: string
  bridge: Bridge
  port: number
  caFile: string
  serving: { cert: string; key: string }
}

export function kubeletConfig(options: KubeletOptions): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: options.bridge.address,
    port: options.port,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: options.caFile },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: options.serving.cert,
    tlsPrivateKeyFile: options.serving.key,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${options.bridge.name}`,
    // Test machines still run hybrid cgroups v1, have swap and small disks.
    failCgroupV1: false,
    failSwapOn: false,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    // No kube-proxy here, and the machine's iptables are not ours to change.
    makeIPTablesUtilChains: false,
    resolvConf: `${options.dir}/resolv.conf`,
    // Nobody answers there; without an address every pod gets a warning Event.
    clusterDNS: [CLUSTER_DNS],
    clusterDomain: 'cluster.local',
    rotateCertificates: false,
    maxPods: 200,
    registryPullQPS: 0,
    eventRecordQPS: 0,
    kubeAPIQPS: 100,
    kubeAPIBurst: 200,
    serializeImagePulls: false,
    shutdownGracePeriod: '0s',
    syncFrequency: '10s',
  })
}

interface ScriptOptions {
  dir: string
  name: string
  bridge: Bridge
  archives: string[]
  kubelet: string
}

/** What runs as the first process of the node's namespaces. It never ends by itself unless kubelet or containerd does. */
export function startScript(options: ScriptOptions): string {
  const { dir } = options
  return `# Made by test/kubernetes/harness/node.ts: a node in its own mount and process namespaces.
mount --make-rshared /
mount --bind ${dir}/lib /var/lib
mount --bind ${dir}/log /var/log
mount -t tmpfs tmpfs /run
mkdir -p /run/netns
containerd --config ${dir}/containerd.toml >>${dir}/../containerd.log 2>&1 &
containerd=$!
tries=0
until ctr version >/dev/null 2>&1; do
  kill -0 $containerd
  tries=$((tries + 1))
  [ $tries -lt 200 ]
  sleep 0.05
done
for archive in ${options.archives.join(' ')}; do
  ctr -n k8s.io image import "$archive"
  rm "$archive"
done
${options.kubelet} --config=${dir}/kubelet.yaml --kubeconfig=${dir}/kubeconfig --hostname-override=${options.name} --node-ip=${options.bridge.address} >>${dir}/../kubelet.log 2>&1 &
kubelet=$!
while kill -0 $containerd && kill -0 $kubelet; do
  sleep 1
done
exit 1
`
}
