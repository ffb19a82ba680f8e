(() => {
  const opened = () => [...document.querySelectorAll('details')], sliders = () =>
    [...document.querySelectorAll('input[type=range]')];
  const kept = JSON.parse(sessionStorage.getItem('impsweep') || 'null');
  if (kept) {
    opened().forEach((fold) => { fold.open = kept.open.includes(fold.querySelector('summary').textContent); });
    sliders().forEach((slider, index) => {
      slider.value = kept.sliders[index] ?? slider.value;
      slider.dispatchEvent(new Event('input'));
    });
    scrollTo(0, kept.scroll);
  }
  const note = document.createElement('p');
  note.setAttribute('role', 'status');
  note.className = 'muted';
  note.textContent = `Drawn at ${new Date().toLocaleTimeString()}, and again when there is something new.`;
  document.querySelector('h1').after(note);
  setInterval(async () => {
    try {
      if (await (await fetch('version')).text() === version) return;
    } catch {
      note.textContent = 'impsweep has ended; this is the last that it had drawn.';
      return;
    }
    sessionStorage.setItem('impsweep', JSON.stringify({
      open: opened().filter((fold) => fold.open).map((fold) => fold.querySelector('summary').textContent),
      sliders: sliders().map((slider) => slider.value),
      scroll: scrollY,
    }));
    location.reload();
  }, 2000);
})();
