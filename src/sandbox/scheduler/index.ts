export { type NodeLifecycleOptions, startNodeLifecycle } from './node-lifecycle.ts'
export { type SchedulerOptions, startScheduler } from './scheduler.ts'
