<?php
// Sends the forms that it is asked for as PHP writes them with its curl extension; see write.py.
[, $url] = $argv;
foreach (array_chunk(array_slice($argv, 2), 2) as [$name, $content]) {
    $fields = ['model' => 'good-1'];
    if ($name !== '-') {
        $fields['file'] = new CURLStringFile($content, substr($name, 1), 'audio/mpeg');
    }
    $call = curl_init($url);
    curl_setopt_array($call, [CURLOPT_POSTFIELDS => $fields, CURLOPT_RETURNTRANSFER => true]);
    curl_exec($call);
}
