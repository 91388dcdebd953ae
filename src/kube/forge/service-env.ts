import type { V1Service, V1ServicePort } from '@kubernetes/client-node'

/** Where pods reach the user's API server; the Service's own address when absent. */
export interface ApiServerAddress {
  host: string
  port: number
}

const upper = (name: string) => name.toUpperCase().replaceAll('-', '_')

/** Kubernetes' own Service in the namespace `default`, which every pod is told of. */
export function isMasterService(service: V1Service): boolean {
  return service.metadata?.namespace === 'default' && service.metadata?.name === 'kubernetes'
}

/** Docker-links style variables of one Service (k8s.io/kubernetes pkg/kubelet/envvars). */
function ofService(service: V1Service, host: string, ports: V1ServicePort[]): Record<string, string> {
  const prefix = upper(service.metadata?.name ?? '')
  const first = ports[0]
  if (!first) return {}
  const url = (port: V1ServicePort) =>
    `${(port.protocol ?? 'TCP').toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port.port}`
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: host,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
    [`${prefix}_PORT`]: url(first),
  }
  for (const port of ports) {
    if (port.name) env[`${prefix}_SERVICE_PORT_${upper(port.name)}`] = String(port.port)
    const protocol = port.protocol ?? 'TCP'
    const key = `${prefix}_PORT_${port.port}_${protocol}`
    env[key] = url(port)
    env[`${key}_PROTO`] = protocol.toLowerCase()
    env[`${key}_PORT`] = String(port.port)
    env[`${key}_ADDR`] = host
  }
  return env
}

/**
 * The environment that a kubelet gives every container of a namespace: its Services with a cluster address, and
 * `kubernetes`. The latter points at `apiServer` where one is given, since the Service's address may mean
 * nothing in the data plane.
 */
export function serviceEnvironment(
  services: Iterable<V1Service>,
  namespace: string,
  apiServer: ApiServerAddress | undefined,
): { all: Record<string, string>; master: Record<string, string> } {
  const all: Record<string, string> = {}
  let master: Record<string, string> = {}
  const sorted = [...services].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  for (const service of sorted) {
    const address = service.spec?.clusterIP
    if (isMasterService(service)) {
      const ports = (service.spec?.ports ?? []).map((port) =>
        apiServer ? { ...port, port: apiServer.port } : port,
      )
      master = ofService(service, apiServer?.host ?? address ?? '', ports)
    } else if (service.metadata?.namespace === namespace && address && address !== 'None') {
      Object.assign(all, ofService(service, address, service.spec?.ports ?? []))
    }
  }
  if (Object.keys(master).length === 0 && apiServer) {
    const kubernetes = { metadata: { name: 'kubernetes', namespace: 'default' } }
    const port = { name: 'https', port: apiServer.port, protocol: 'TCP' }
    master = ofService(kubernetes, apiServer.host, [port])
  }
  // A Service of the namespace wins over the master of the same name, as in a kubelet.
  return { all: { ...master, ...all }, master }
}
