/**
 * Texts of events by reason, for every reason that kubelet, scheduler and the eviction controllers write about
 * pods. What a text may take from the original is only what a pattern lets through: container and image names,
 * durations, probes' kinds.
 */
type Template = (original: string, subject: Named, container: string | undefined) => string

/** The tenant's own names of what an event is about. */
type Named = Pick<EventSubject, 'namespace' | 'name' | 'node'>

const image = /image "([^"\s]{1,512})"/
const duration = /\bin ([0-9.]+(?:ms|m|s|µs)[0-9.a-zµ]{0,16})/
const probe = /^(Liveness|Readiness|Startup) probe (failed|errored|warning)/
const probeCode = /HTTP probe failed with statuscode: (\d{3})/
const volume = /volume "([a-z0-9][-a-z0-9]{0,62})"/
/** `Error: ImagePullBackOff`: a reason and nothing else. */
const kubeletReason = /^Error: [A-Z][A-Za-z]{2,63}$/
const reference = /(secret|configmap) "([a-z0-9][-a-z0-9.]{0,252})" not found/

const fixed =
  (text: string): Template =>
  () =>
    text

const about =
  (verb: string): Template =>
  (_original, _subject, container) =>
    container === undefined ? `${verb} container` : `${verb} container ${container}`

const ofImage =
  (verb: string): Template =>
  (original) => {
    const name = image.exec(original)?.[1]
    const took = duration.exec(original)?.[1]
    return `${verb} image${name === undefined ? '' : ` "${name}"`}${took === undefined ? '' : ` in ${took}`}`
  }

const templates: Readonly<Record<string, Template>> = {
  Scheduled: (_, { namespace, name, node }) => `Successfully assigned ${namespace}/${name} to ${node}`,
  FailedScheduling: fixed('The data plane has no room for the pod at present'),
  Preempted: fixed('Preempted by a pod of higher priority'),
  Pulling: ofImage('Pulling'),
  Pulled: (original, subject, container) =>
    /already present/.test(original)
      ? `${ofImage('Container')(original, subject, container)} already present on machine`
      : ofImage('Successfully pulled')(original, subject, container),
  BackOff: (original, subject, container) =>
    /pulling image/.test(original)
      ? ofImage('Back-off pulling')(original, subject, container)
      : about('Back-off restarting failed')(original, subject, container),
  Failed: (original, subject, container) =>
    image.test(original)
      ? ofImage('Failed to pull')(original, subject, container)
      : missing(original, 'Error: the container could not be started'),
  ErrImageNeverPull: ofImage('Pull policy Never, and absent:'),
  InspectFailed: ofImage('Failed to inspect'),
  Created: about('Created'),
  Started: about('Started'),
  Killing: about('Stopping'),
  FailedPostStartHook: fixed('PostStartHook failed'),
  FailedPreStopHook: fixed('PreStopHook failed'),
  Unhealthy: (original) => {
    const kind = probe.exec(original)
    if (kind === null) return 'A probe failed'
    const code = probeCode.exec(original)?.[1]
    return `${kind[1]} probe ${kind[2]}${code === undefined ? '' : `: HTTP probe failed with statuscode: ${code}`}`
  },
  ProbeWarning: fixed('A probe gave a warning'),
  FailedMount: (original) => {
    const name = volume.exec(original)?.[1]
    const start =
      name === undefined ? 'A volume could not be mounted' : `MountVolume.SetUp failed for volume "${name}"`
    const found = reference.exec(original)
    return found === null ? start : `${start} : ${found[1]} "${found[2]}" not found`
  },
  FailedCreatePodSandBox: fixed('Failed to create the pod sandbox'),
  SandboxChanged: fixed('Pod sandbox changed, it will be killed and re-created.'),
  Evicted: fixed('The pod was evicted: its machine ran out of a resource'),
  TaintManagerEviction: fixed('The machine that ran the pod became unfit'),
  NodeNotReady: fixed('The machine that runs the pod is not ready'),
  DeadlineExceeded: fixed('Pod was active longer than its activeDeadlineSeconds'),
  ExceededGracePeriod: fixed('Container runtime did not kill the pod within specified grace period.'),
  NetworkNotReady: fixed('The network of the machine is not ready'),
  ResizeStarted: fixed('Pod resize started'),
  ResizeCompleted: fixed('Pod resize completed'),
  ResizeDeferred: fixed('The machine has no room for the new size at present'),
  ResizeInfeasible: fixed('No machine of this kind can hold the new size'),
}

function missing(original: string, otherwise: string): string {
  const found = reference.exec(original)
  if (found !== null) return `Error: ${found[1]} "${found[2]}" not found`
  return kubeletReason.test(original) ? original : otherwise
}

const containerPath = /^spec\.(?:initContainers|containers|ephemeralContainers)\{([a-z0-9][-a-z0-9]{0,62})\}$/

/** What a text may be made of. */
export interface EventSubject {
  reason: string | undefined
  /** The data plane's own text. */
  original: string
  /** The tenant's names of the object's namespace, of the object, and of the virtual node. */
  namespace: string
  name: string
  node: string
  /** `spec.containers{main}` where the event is about a container. */
  fieldPath: string | undefined
}

/** The text of an event for the tenant; of an unknown reason nothing but the reason is told. */
export function eventText(subject: EventSubject): string {
  const { reason, original, fieldPath } = subject
  const template = reason !== undefined && Object.hasOwn(templates, reason) ? templates[reason] : undefined
  return template === undefined
    ? `${reason ?? 'Unknown'} in the data plane`
    : template(original, subject, containerPath.exec(fieldPath ?? '')?.[1])
}
