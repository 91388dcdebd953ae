import type { FieldFault } from '../../../protocol/errors/index.ts'
import type { FieldReader } from '../../store/field-selector.ts'
import type { StoreTraits } from '../../store/traits.ts'
import type { KubeObject, NewKubeObject } from '../../store/types.ts'

/** A column of a metav1.Table. */
export interface Column {
  name: string
  type: 'string' | 'integer' | 'date' | 'boolean'
  format?: 'name'
  /** 0 is always shown, 1 with `-o wide`. */
  priority: 0 | 1
  cell(object: KubeObject, nowMs: number): string | number | boolean
}

/** What a resource adds to the generic handling of writes. All may change only what they are given. */
export interface Strategy {
  /** Fills defaults, on every write of the main resource, before validation. */
  defaults?(object: NewKubeObject): void
  /** Resets what a client may not set at creation, such as `status`. */
  prepareCreate?(object: NewKubeObject): void
  validateCreate?(object: NewKubeObject): FieldFault[]
  validateUpdate?(next: KubeObject, current: KubeObject): FieldFault[]
}

/** A subresource as discovery shows it. */
export interface Subresource {
  name: string
  kind: string
  group?: string
  version?: string
  verbs: readonly string[]
}

/** A resource that the sandbox serves: one row of the catalog. */
export interface ResourceDefinition {
  /** Empty for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  singular: string
  shortNames: readonly string[]
  categories: readonly string[]
  namespaced: boolean
  /** Has a status subresource: writes of the main resource leave `status` alone, and the other way round. */
  hasStatus: boolean
  generation: boolean
  graceful: boolean
  /** DELETE answers the object instead of a Status. */
  returnsDeleted: boolean
  fields: Readonly<Record<string, FieldReader>>
  subresources: readonly Subresource[]
  columns: readonly Column[]
  strategy: Strategy
  /** How names are checked: a DNS label (RFC 1123), a DNS subdomain, or any path segment (RBAC). */
  names: 'label' | 'subdomain' | 'segment'
  /** Where the objects lie when another resource stores them (events.k8s.io shows the core events). */
  storage: string
  /** Between the stored form and this version's. */
  convert?: { fromStorage(object: KubeObject): KubeObject; toStorage(object: NewKubeObject): NewKubeObject }
}

/** The part of a definition that has no usual value. */
type Required = 'group' | 'version' | 'kind' | 'plural'

/** A definition with the usual values filled in. */
export function define(
  given: Pick<ResourceDefinition, Required> & Partial<ResourceDefinition>,
): ResourceDefinition {
  const status: Subresource[] = given.hasStatus
    ? [{ name: 'status', kind: given.kind, verbs: ['get', 'patch', 'update'] }]
    : []
  return {
    singular: given.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    hasStatus: false,
    generation: given.hasStatus ?? false,
    graceful: false,
    returnsDeleted: false,
    fields: {},
    columns: [],
    strategy: {},
    names: 'subdomain',
    storage: resourceName(given),
    ...given,
    subresources: [...status, ...(given.subresources ?? [])],
  }
}

/** `pods`, `deployments.apps`. */
export function resourceName(definition: { group: string; plural: string }): string {
  return definition.group ? `${definition.plural}.${definition.group}` : definition.plural
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(definition: { group: string; version: string }): string {
  return definition.group ? `${definition.group}/${definition.version}` : definition.version
}

export function traitsOf(definition: ResourceDefinition): StoreTraits {
  const { namespaced, generation, graceful, fields } = definition
  return { namespaced, generation, graceful, fields }
}
