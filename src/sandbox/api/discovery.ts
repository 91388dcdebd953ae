import { createHash } from 'node:crypto'
import { emptyGroups, resources, reviews } from './resources/catalog.ts'
import type { ResourceDefinition } from './resources/definition.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const

/** Version that `/version` shows; the API's behaviour is that of this release. */
export const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+isthmus-sandbox',
  platform: 'sandbox',
} as const

/** All groups but the core one. */
export function groupNames(): string[] {
  const names = new Set([...resources, ...reviews].map(({ group }) => group).filter((group) => group !== ''))
  return [...names, ...emptyGroups].sort()
}

const of = <T extends { group: string }>(list: readonly T[], group: string) =>
  list.filter((each) => each.group === group)

const groupOf = (name: string) => {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

/** `/apis`. */
export function apiGroupList(): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames().map(groupOf) }
}

/** `/apis/<group>`; undefined for one that is not served. */
export function apiGroup(name: string): object | undefined {
  if (!groupNames().includes(name)) return undefined
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name) }
}

/** `/api/v1`, `/apis/<group>/v1`; undefined for one that is not served. */
export function apiResourceList(group: string): object | undefined {
  if (group !== '' && !groupNames().includes(group)) return undefined
  const list: object[] = []
  for (const definition of of(resources, group)) {
    const { plural, singular, namespaced, kind, shortNames, categories } = definition
    const short = shortNames.length > 0 ? { shortNames } : {}
    const all = categories.length > 0 ? { categories } : {}
    list.push({
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(definition),
      ...short,
      ...all,
    })
    for (const subresource of definition.subresources) {
      const { name, kind: other, group: otherGroup, version, verbs } = subresource
      const gv = version ? { group: otherGroup ?? '', version } : {}
      list.push({ name: `${plural}/${name}`, singularName: '', namespaced, ...gv, kind: other, verbs })
    }
  }
  for (const { plural, singular, namespaced, kind } of of(reviews, group)) {
    list.push({ name: plural, singularName: singular, namespaced, kind, verbs: ['create'] })
  }
  const groupVersion = group ? `${group}/v1` : 'v1'
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: list }
}

function verbsOf({ kind }: ResourceDefinition): readonly string[] {
  return kind === 'Namespace' ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS
}

/** APIGroupDiscoveryList of `/api` (the core group) or `/apis`. */
export function aggregatedDiscovery(root: 'api' | 'apis'): object {
  const groups = root === 'api' ? [''] : groupNames()
  const items = groups.map((group) => ({
    metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
    versions: [{ version: 'v1', freshness: 'Current', resources: aggregatedResources(group) }],
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}

function aggregatedResources(group: string): object[] {
  const scopeOf = (namespaced: boolean) => (namespaced ? 'Namespaced' : 'Cluster')
  const stored = of(resources, group).map((definition) => {
    const { plural, singular, namespaced, kind, shortNames, categories, subresources, version } = definition
    return {
      resource: plural,
      responseKind: { group, version, kind },
      scope: scopeOf(namespaced),
      singularResource: singular,
      verbs: verbsOf(definition),
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
      ...(subresources.length > 0
        ? {
            subresources: subresources.map((each) => ({
              subresource: each.name,
              responseKind: { group: each.group ?? group, version: each.version ?? version, kind: each.kind },
              verbs: each.verbs,
            })),
          }
        : {}),
    }
  })
  const answered = of(reviews, group).map(({ plural, singular, namespaced, kind, version }) => ({
    resource: plural,
    responseKind: { group, version, kind },
    scope: scopeOf(namespaced),
    singularResource: singular,
    verbs: ['create'],
  }))
  return [...stored, ...answered]
}

/** An entity tag of a document, as aggregated discovery and OpenAPI have one. */
export function entityTag(document: string): string {
  return `"${createHash('sha256').update(document).digest('hex').toUpperCase()}"`
}
