// What the page knows: the values that Python wrote as JSON, decoded. Text from there is only ever set as text.
const found = document.getElementById("values");
const raw = found ? JSON.parse(found.textContent) : { dimensions: {}, sweeps: [] };

// Each run as an object; `values` of a series stand in the order of the runs of its sweep.
const sweeps = raw.sweeps.map((one, number) => {
  const names = Object.keys(one.runs);
  const runs = one.runs.run.map((_, i) => {
    const run = { i, sweep: number };
    for (const name of names) {
      const value = one.runs[name][i];
      run[name] = name in one.categories ? one.categories[name][value] : value;
    }
    return run;
  });
  const looks = new Map(one.categories.configuration.map((name, i) => [name, one.looks[i]]));
  const series = new Map();
  for (const [dataset, setting, metric, cutoff, query, corpus, digits, values] of one.series) {
    const key = `${setting}/${metric}/${cutoff}`;
    const of = raw.datasets[dataset];
    if (!series.has(of)) series.set(of, new Map());
    if (!series.get(of).has(key)) series.get(of).set(key, []);
    const scale = 10 ** digits;
    series.get(of).get(key).push({ query, corpus, values, scale });
  }
  return { ...one, number, runs, looks, series };
});

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const sweepOf = (node) => Number(node.closest("[data-sweep]")?.dataset.sweep ?? 0);
