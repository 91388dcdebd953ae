import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { kubeTime } from '../../events.ts'
import { baseEnv } from '../env/base.ts'
import { containerCommand, findExecutable } from '../env/command.ts'
import { resolveEnv } from '../env/resolve.ts'
import { openLogWriter, rotatedPath } from '../logs/writer.ts'
import type { RuntimeContext } from '../pod/context.ts'
import type { PodProcess } from '../process/types.ts'
import type { ContainerSpec, Pod, TerminatedState } from '../types.ts'
import { placeMounts } from '../volumes/mounts.ts'
import type { ContainerRecord, Instance } from './record.ts'
import { createTap } from './tap.ts'
import { terminationMessage } from './termination-message.ts'

export interface StartInput {
  context: RuntimeContext
  pod: Pod
  container: ContainerSpec
  record: ContainerRecord
  /** `<dir>/pods/<uid>`. */
  podDir: string
  onExit(): void
}

/** Everything a run needs, found before anything is started. */
export interface PreparedRun {
  argv: string[]
  env: Record<string, string>
  cwd: string
  files: { message: string; log: string }
}

/** Code of a process that could not be started (containerd: StartError). */
const START_ERROR = 128

/** Resolves references and makes the container's directory. @throws ContainerConfigError. */
export async function prepareRun(input: StartInput): Promise<PreparedRun> {
  const { context, pod, container, record, podDir } = input
  const root = join(podDir, 'root', container.name)
  const message = join(root, join('/', container.terminationMessagePath || '/dev/termination-log'))
  const base = baseEnv({ ...context, pod, root, terminationLog: message })
  const env = resolveEnv({
    pod,
    container,
    store: context.store,
    context: { podIP: context.podIP, hostIP: context.hostIP },
    allocatable: context.allocatable,
    base,
  })
  const argv = containerCommand(container, env)
  // each run begins with an empty file system of its own, as a container does; only its volumes stay
  await rm(root, { recursive: true, force: true })
  await placeMounts(container, root, join(podDir, 'volumes'), env)
  const cwd = join(root, join('/', container.workingDir ?? ''))
  await mkdir(cwd, { recursive: true })
  await mkdir(dirname(message), { recursive: true })
  const log = join(podDir, 'logs', container.name, `${record.attempts}.log`)
  return { argv, env, cwd, files: { message, log } }
}

async function finished(
  input: StartInput,
  run: PreparedRun,
  instance: Pick<Instance, 'id' | 'startedAt'>,
  exitCode: number,
): Promise<TerminatedState> {
  const message = await terminationMessage(input.container, run.files, exitCode).catch((err: unknown) => {
    input.context.logger.warn(
      { err, container: input.container.name },
      'no termination message could be read',
    )
    return undefined
  })
  return {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(message === undefined ? {} : { message }),
    startedAt: instance.startedAt,
    finishedAt: kubeTime(input.context.clock.now()),
    containerID: instance.id,
  }
}

/** The process of a run; one that can not be started has ended at once, as with a container runtime. */
async function spawnRun(input: StartInput, run: PreparedRun) {
  const { container, context } = input
  const file = findExecutable(run.argv[0]!, run.env['PATH'] ?? '', run.cwd)
  const { stdin = false, tty = false } = container
  return context.spawn({ file, argv: run.argv, cwd: run.cwd, env: run.env, stdin, tty })
}

/**
 * Starts one run of a container. `record.instance` is the new one from then on; when the process can not be started,
 * that one has ended with StartError. @throws never for what a pod's author can get wrong.
 */
export async function startInstance(input: StartInput, run: PreparedRun): Promise<Error | undefined> {
  const { record, container, context } = input
  const log = openLogWriter(run.files.log, {
    onError: (err) => context.logger.error({ err, container: container.name }, 'a log could not be written'),
  })
  const startedMs = context.clock.now()
  const head = {
    id: `sandbox://${randomBytes(32).toString('hex')}`,
    startedAt: kubeTime(startedMs),
    startedMs,
  }
  if (record.instance) {
    record.previous = record.instance.terminated
    for (const path of record.previousLog ? [record.previousLog, rotatedPath(record.previousLog)] : []) {
      await rm(path, { force: true })
    }
    record.previousLog = record.instance.log.path
  }
  record.attempts++
  const rest = {
    spec: container,
    log,
    cwd: run.cwd,
    env: run.env,
    spawn: context.spawn,
    execs: new Set<PodProcess>(),
  }
  const flags = { started: false, ready: false, probes: new AbortController() }
  try {
    const process = await spawnRun(input, run)
    const stdout = createTap(process.stdout, (chunk) => log.write('stdout', chunk))
    const stderr = process.stderr && createTap(process.stderr, (chunk) => log.write('stderr', chunk))
    const ended = process.exited.then(async ({ code }) => {
      instance.probes.abort()
      instance.started = false
      instance.ready = false
      for (const exec of instance.execs) exec.kill('SIGKILL')
      log.end()
      instance.terminated = await finished(input, run, instance, code)
      input.onExit()
    })
    const instance: Instance = { ...head, ...rest, ...flags, process, stdout, stderr, ended }
    record.instance = instance
    return undefined
  } catch (error) {
    log.end()
    const message = `failed to create task for container: ${(error as Error).message}`
    const terminated = { ...(await finished(input, run, head, START_ERROR)), reason: 'StartError', message }
    record.instance = { ...head, ...rest, ...flags, ...absent, terminated }
    return new Error(message)
  }
}

/** What stands where no process is. */
const absent: Pick<Instance, 'process' | 'stdout' | 'stderr' | 'ended'> = {
  process: {
    pid: 0,
    stdin: null,
    stdout: Readable.from([]),
    stderr: null,
    exited: Promise.resolve({ code: START_ERROR }),
    kill: () => {},
    resize: () => {},
  },
  stdout: { add: () => () => {} },
  stderr: null,
  ended: Promise.resolve(),
}
