/**
 * Texts of events by reason, for every reason that kubelet, scheduler and the eviction controllers write about
 * pods. What a text may take from the original is only what a pattern lets through: container and image names,
 * durations, probes' kinds.
 */
type Template = (original: string, name: string, container: string | undefined) => string

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
  (_original, _name, container) =>
    container === undefined ? `${verb} container` : `${verb} container ${container}`

const ofImage =
  (verb: string): Template =>
  (original) => {
    const name = image.exec(original)?.[1]
    const took = duration.exec(original)?.[1]
    return `${verb} image${name === undefined ? '' : ` "${name}"`}${took === undefined ? '' : ` in ${took}`}`
  }

const templates: Readonly<Record<string, Template>> = {
  Scheduled: (_, name) => `Successfully assigned ${name}`,
  FailedScheduling: fixed('The data plane has no room for the pod at present'),
  Preempted: fixed('Preempted by a pod of higher priority'),
  Pulling: ofImage('Pulling'),
  Pulled: (original, name, container) =>
    /already present/.test(original)
      ? `${ofImage('Container')(original, name, container)} already present on machine`
      : ofImage('Successfully pulled')(original, name, container),
  BackOff: (original, name, container) =>
    /pulling image/.test(original)
      ? ofImage('Back-off pulling')(original, name, container)
      : about('Back-off restarting failed')(original, name, container),
  Failed: (original, name, container) =>
    image.test(original)
      ? ofImage('Failed to pull')(original, name, container)
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
  /** The object's name. */
  name: string
  /** `spec.containers{main}` where the event is about a container. */
  fieldPath: string | undefined
}

/** The text of an event for the tenant; of an unknown reason nothing but the reason is told. */
export function eventText({ reason, original, name, fieldPath }: EventSubject): string {
  const template = reason !== undefined && Object.hasOwn(templates, reason) ? templates[reason] : undefined
  return template === undefined
    ? `${reason ?? 'Unknown'} in the data plane`
    : template(original, name, containerPath.exec(fieldPath ?? '')?.[1])
}
