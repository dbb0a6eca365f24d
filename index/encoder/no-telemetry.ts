/**
 * To be imported before ONNX Runtime is: since 1.29 it looks up a server of its maker's and tells it of each session (the model's file
 * name, the system, an id that it keeps in the home folder), unless this stands in the environment of the process when it starts
 * (https://github.com/microsoft/onnxruntime/pull/27379). Its reading of the command line for that also overflows a thread's stack where
 * that is longer than 14 KiB. A worker's environment is a copy that it does not see, so this belongs to the main thread.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
