export * from './client/index.ts'
export * from './names.ts'
