// ONNX Runtime, beside onednn_by_hand.cpp, which takes the same commands. Called by run.py:
//
//   node onnxruntime_rounds.mjs PACKAGE_FOLDER MODELS_FOLDER THREADS OPTIONS
//
// PACKAGE_FOLDER is where `npm install onnxruntime-node` was done, MODELS_FOLDER what onnx_model.py wrote,
// OPTIONS session options as JSON. A line on standard input is a command, a line on standard output its
// answer, in JSON:
//
//   time LEVEL f32 BATCH REQUESTS    the milliseconds that each request took, after two that do not count;
//                                    LEVEL `identity` tells what the interface alone takes
//   logits LEVEL f32 COUNT OUTPUT    of the first COUNT images of MODELS_FOLDER/images, into another file there
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [packageFolder, models, threads, options] = process.argv.slice(2);
const require = createRequire(join(resolve(packageFolder), 'package.json'));
const { InferenceSession, Tensor } = require('onnxruntime-node');

const sessions = new Map();
async function sessionOf(level) {
  if (!sessions.has(level)) {
    sessions.set(level, await InferenceSession.create(join(models, `${level}.onnx`), {
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      ...JSON.parse(options),
    }));
  }
  return sessions.get(level);
}

// [N, channels, height, width]; only N is open.
function shapeOf(session, batch) {
  return session.inputMetadata[0].shape.map((side) => (typeof side === 'number' ? side : batch));
}

async function time(level, batch, requests) {
  const session = await sessionOf(level);
  const shape = shapeOf(session, batch);
  // Anything but zeros.
  const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 7919) % 256);
  const feeds = { pixels: new Tensor('float32', pixels, shape) };
  const taken = [];
  for (let i = -2; i < requests; ++i) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    if (i >= 0) taken.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return taken;
}

async function logits(level, count, output) {
  const session = await sessionOf(level);
  const size = shapeOf(session, 1).reduce((a, b) => a * b);
  const bytes = readFileSync(join(models, 'images')).subarray(0, count * size);
  const block = 100;
  const found = [];
  for (let first = 0; first < count; first += block) {
    const some = Float32Array.from(bytes.subarray(first * size, (first + block) * size));
    const feeds = { pixels: new Tensor('float32', some, shapeOf(session, some.length / size)) };
    found.push(Buffer.from((await session.run(feeds)).logits.data.slice().buffer));
  }
  writeFileSync(join(models, output), Buffer.concat(found));
  return count;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, level, precision, ...rest] = line.split(' ');
  let answer;
  try {
    if (precision !== 'f32') throw new Error(`expected f32, found ${precision}`);
    if (command === 'time') answer = await time(level, Number(rest[0]), Number(rest[1]));
    else if (command === 'logits') answer = await logits(level, Number(rest[0]), rest[1]);
    else throw new Error(`expected time or logits, found ${command}`);
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
