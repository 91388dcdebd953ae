import { createHash } from 'node:crypto'
import { groupVersion, type Resource, type Subresource, servedResources } from './resources.ts'

/** A document of discovery, written out once: it is the same for all tenants, since kubectl caches by host (rule 23). */
export interface DiscoveryDocument {
  body: string
  /** Strong, quoted: SHA-512 in hex as Kubernetes' own. */
  etag: string
}

/** `g;v;as` exactly as Kubernetes writes it: clients compare the whole string. */
export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

const groups = [...new Set(servedResources.map((resource) => resource.group))].filter((group) => group !== '')

/** Classic documents by path. */
export const classicDiscovery: ReadonlyMap<string, DiscoveryDocument> = new Map([
  ['/api', document({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
  ['/api/v1', document(resourceList('', 'v1'))],
  ['/apis', document({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) })],
  ...groups.map(
    (group) =>
      [`/apis/${group}`, document({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) })] as const,
  ),
  ...groups.map((group) => [`/apis/${group}/v1`, document(resourceList(group, 'v1'))] as const),
])

/** Aggregated documents (KEP-3352) of `/api` and `/apis`. */
export const aggregatedDiscovery: ReadonlyMap<string, DiscoveryDocument> = new Map([
  ['/api', document(aggregated([''], {}))],
  ['/apis', document(aggregated(groups, {}))],
])

function document(value: unknown): DiscoveryDocument {
  const body = `${JSON.stringify(value)}\n`
  return { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` }
}

function apiGroup(name: string) {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

function resourceList(group: string, version: string) {
  const resources = servedResources
    .filter((resource) => resource.group === group && resource.version === version)
    .flatMap((resource) => [
      classicEntry(resource),
      ...(resource.subresources ?? []).map((s) => classicSub(resource, s)),
    ])
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion({ group, version }),
    resources,
  }
}

function classicEntry(resource: Resource) {
  const { name, singular, namespaced, kind, verbs, shortNames, categories } = resource
  return { name, singularName: singular, namespaced, kind, verbs, shortNames, categories }
}

function classicSub(resource: Resource, sub: Subresource) {
  const { kind, verbs, group, version } = sub
  return {
    name: `${resource.name}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    group,
    version,
    kind,
    verbs,
  }
}

function aggregated(names: readonly string[], metadata: object) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata,
    items: names.map((group) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: [
        {
          version: 'v1',
          resources: servedResources.filter((resource) => resource.group === group).map(aggregatedEntry),
          freshness: 'Current',
        },
      ],
    })),
  }
}

function aggregatedEntry(resource: Resource) {
  return {
    resource: resource.name,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    shortNames: resource.shortNames,
    categories: resource.categories,
    subresources: resource.subresources?.map((sub) => ({
      subresource: sub.name,
      responseKind: {
        group: sub.group ?? resource.group,
        version: sub.version ?? resource.version,
        kind: sub.kind,
      },
      verbs: sub.verbs,
    })),
  }
}
