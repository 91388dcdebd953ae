import {
  type ReadSettings,
  readSettings,
  type SettingSources,
  setting,
  type Values,
} from '../lib/settings.ts'

const PORT = { min: 0, max: 65_535 }

/** Every setting of `isthmus agent`. */
export const agentSettings = {
  nodeName: setting.text({
    flag: 'node-name',
    env: 'ISTHMUS_NODE_NAME',
    description:
      'Name of the Node in the user’s cluster; the certificate’s, where it is `system:node:<name>`.',
  }),
  kubeconfig: setting.path({
    flag: 'kubeconfig',
    env: 'ISTHMUS_KUBECONFIG',
    description:
      'Kubeconfig for the user’s cluster, with a node’s identity. Without it: KUBECONFIG, then the pod’s ServiceAccount.',
    optional: true,
  }),
  certificateDir: setting.path({
    flag: 'certificate-dir',
    env: 'ISTHMUS_CERTIFICATE_DIR',
    description:
      'Folder for certificates that the agent asks the user’s cluster for by CSR and renews, as a kubelet does: its client certificate `system:node:<name>` (the credential of the kubeconfig, a bootstrap token for instance, then serves to ask for the first one only) and, without `--kubelet-cert`, the kubelet port’s. Of this process alone. Without it the kubeconfig’s credential is used as it is.',
    optional: true,
  }),
  gateway: setting.text({
    flag: 'gateway',
    env: 'ISTHMUS_GATEWAY',
    description: 'Public URL of the gateway, `https://host:port`.',
  }),
  gatewayCa: setting.path({
    flag: 'gateway-ca',
    env: 'ISTHMUS_GATEWAY_CA',
    description: 'PEM file with the gateway’s CA; the system’s roots when absent.',
    optional: true,
  }),
  clientId: setting.text({
    flag: 'client-id',
    env: 'ISTHMUS_CLIENT_ID',
    description: 'Id of the agent’s credential.',
  }),
  clientSecretFile: setting.path({
    flag: 'client-secret-file',
    env: 'ISTHMUS_CLIENT_SECRET_FILE',
    description: 'File with the credential’s secret; read at each renewal, so that it can be changed.',
    optional: true,
  }),
  clientSecret: setting.text({
    flag: 'client-secret',
    env: 'ISTHMUS_CLIENT_SECRET',
    description: 'The secret itself; prefer the file.',
    optional: true,
    secret: true,
  }),
  nodeIp: setting.text({
    flag: 'node-ip',
    env: 'ISTHMUS_NODE_IP',
    description: 'InternalIP of the Node, where the user’s API server reaches the kubelet port.',
  }),
  kubeletHost: setting.text({
    flag: 'kubelet-host',
    env: 'ISTHMUS_KUBELET_HOST',
    description: 'Address that the kubelet port binds.',
    default: '0.0.0.0',
  }),
  kubeletPort: setting.integer(
    {
      flag: 'kubelet-port',
      env: 'ISTHMUS_KUBELET_PORT',
      description: 'Port of the kubelet API; 0 takes a free one.',
      default: 10250,
    },
    PORT,
  ),
  kubeletCert: setting.path({
    flag: 'kubelet-cert',
    env: 'ISTHMUS_KUBELET_CERT',
    description:
      'Serving certificate of the kubelet port, PEM; reloaded when it changes. Self-signed when absent.',
    optional: true,
  }),
  kubeletKey: setting.path({
    flag: 'kubelet-key',
    env: 'ISTHMUS_KUBELET_KEY',
    description: 'Its key, PEM.',
    optional: true,
  }),
  kubeletClientCa: setting.path({
    flag: 'kubelet-client-ca',
    env: 'ISTHMUS_KUBELET_CLIENT_CA',
    description:
      'CA of those who may call the kubelet port by certificate. Without it: what kube-system/extension-apiserver-authentication says, else the CA of the kubeconfig.',
    optional: true,
  }),
  staticPeriod: setting.duration({
    flag: 'static-period',
    env: 'ISTHMUS_STATIC_PERIOD',
    description:
      'How long the Node stays Ready while the gateway can not be reached; then the user’s own tolerations decide. 0s: like a kubelet. Absent: 15 minutes, and for ever where a cloud controller is found that deletes Nodes which are not Ready.',
    optional: true,
  }),
  clusterDns: setting.list({
    flag: 'cluster-dns',
    env: 'ISTHMUS_CLUSTER_DNS',
    description:
      'Addresses of the user cluster’s DNS as pods in the data plane reach it. Without them `ClusterFirst` becomes `Default`.',
    optional: true,
  }),
  clusterDomain: setting.text({
    flag: 'cluster-domain',
    env: 'ISTHMUS_CLUSTER_DOMAIN',
    description: 'DNS domain of the user’s cluster.',
    default: 'cluster.local',
  }),
  podApiServer: setting.text({
    flag: 'pod-api-server',
    env: 'ISTHMUS_POD_API_SERVER',
    description:
      '`host:port` at which pods in the data plane reach the user’s API server (KUBERNETES_SERVICE_HOST). The address of the Service `kubernetes` when absent.',
    optional: true,
  }),
  webSockets: setting.boolean({
    flag: 'websockets',
    env: 'ISTHMUS_WEBSOCKETS',
    description:
      'Declares ExtendWebSocketsToKubelet, so that API servers from 1.36 pass WebSockets on as they are.',
    default: true,
  }),
  nodeLabels: setting.list({
    flag: 'node-labels',
    env: 'ISTHMUS_NODE_LABELS',
    description: 'More labels for the Node, `key=value`.',
    optional: true,
  }),
  taint: setting.boolean({
    flag: 'taint',
    env: 'ISTHMUS_NODE_TAINT',
    description:
      'Registers the Node with the virtual-node taint, so that only pods that tolerate it come. `false`: any pod may, DaemonSets’ too.',
    default: true,
  }),
  modules: setting.list({
    flag: 'modules',
    env: 'ISTHMUS_MODULES',
    description:
      'What this process does: `node` keeps the Node and its Lease, `pods` carries pods, `sync` copies Secrets and ConfigMaps, `tokens` brings ServiceAccount tokens, `events` reports Events, `kubelet` serves the kubelet port. With `kubelet` alone it is a further server of logs and exec, and never the writer.',
    default: ['node', 'pods', 'sync', 'tokens', 'events', 'kubelet'],
  }),
  readyFile: setting.path({
    flag: 'ready-file',
    env: 'ISTHMUS_READY_FILE',
    description: 'Written once the kubelet port answers: JSON with `nodeName` and `kubeletPort`.',
    optional: true,
  }),
  logLevel: setting.choice(['debug', 'info', 'warn', 'error'], {
    flag: 'log-level',
    env: 'ISTHMUS_LOG_LEVEL',
    description: 'Least level that is logged.',
    default: 'info',
  }),
}

export type AgentConfig = Values<typeof agentSettings>

/** Reads the agent's settings. @throws SettingsError with every fault at once */
export function readAgentConfig(sources: SettingSources): ReadSettings<typeof agentSettings> {
  return readSettings(agentSettings, sources)
}

/** `host:port`, `[v6]:port`. @throws Error naming the setting */
export function parseHostPort(text: string, name: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (!host || !(port >= 1 && port <= 65_535)) throw new Error(`--${name}: must be host:port`)
  return { host, port }
}

/** `key=value` pairs as labels. @throws Error naming the setting */
export function parseLabels(pairs: string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (pairs ?? []).map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new Error('--node-labels: must be key=value')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
