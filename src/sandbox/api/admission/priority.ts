import type { V1PodSpec, V1PriorityClass } from '@kubernetes/client-node'
import type { ResourceStore } from '../../store/types.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

/** Priority: the class' number goes into the pod; a class that is not there is refused. */
export function createPriority(store: ResourceStore): AdmissionPlugin {
  return ({ phase, operation, resource, group, subresource, object, name }) => {
    if (
      phase !== 'mutate' ||
      operation !== 'CREATE' ||
      group ||
      resource !== 'pods' ||
      subresource ||
      !object
    )
      return
    const spec = object['spec'] as V1PodSpec
    const classes = store.list<V1PriorityClass>('priorityclasses.scheduling.k8s.io').items
    const wanted = spec.priorityClassName
      ? classes.find(({ metadata }) => metadata?.name === spec.priorityClassName)
      : classes.find(({ globalDefault }) => globalDefault)
    if (spec.priorityClassName && !wanted) {
      throw refusal('pods', '', name, `no PriorityClass with name ${spec.priorityClassName} was found`)
    }
    const value = wanted?.value ?? 0
    if (spec.priority !== undefined && spec.priority !== value) {
      const text = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`
      throw refusal('pods', '', name, text)
    }
    if (wanted?.metadata?.name) spec.priorityClassName = wanted.metadata.name
    spec.priority = value
    spec.preemptionPolicy ??= wanted?.preemptionPolicy ?? 'PreemptLowerPriority'
  }
}
